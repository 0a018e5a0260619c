/**
 * What a signal does to a command: the first stops the work in good order, one a second later ends the process at once. What follows
 * sooner is the same Ctrl-C, which a terminal sends to all its processes and npm hands on once more.
 */
export function stopping(stop: AbortController): NodeJS.SignalsListener {
  let asked: number | undefined;
  return (signal) => {
    asked ??= performance.now();
    stop.abort();
    if (performance.now() - asked < 1000) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
}
