/**
 * Loaded before a program: its clock goes on by a millisecond whenever it is looked at, and not by itself. What a budget cuts short then does
 * not depend on how fast the machine is.
 */
let looks = 0;
performance.now = () => looks++;
