import { spawn } from 'node:child_process';

/**
 * Serves the dashboard of a folder of runs in a process of its own, so that it answers while this one is busy. It says its address on
 * stderr, and ends with this process however that ends.
 *
 * @returns what ends it.
 */
export function openDashboard(folder: string): () => void {
  const command = [...process.execArgv, process.argv[1], 'dashboard', folder, '--port', '0'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  // It may be long ready before the first update is made, and is no reason for this process to stay.
  child.unref();
  child.channel?.unref();
  return () => child.kill();
}
