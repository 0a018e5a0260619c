/** The program of the thread that prepares batches ahead: it opens the data for itself and fills batches for ever. */
import { parentPort, workerData } from 'node:worker_threads';
import { type DatasetRecipe, datasetOf } from '../data/recipe.ts';
import { BatchOrder, type OrderOptions } from '../training/batchOrder.ts';
import { fillRing, type RingSetup } from '../training/batchRing.ts';
import { type FileHandle, FileSource } from './fileSource.ts';

/** What the thread is started with. */
export interface BatchThreadData {
  readonly setup: RingSetup;
  readonly recipe: DatasetRecipe;
  readonly options: OrderOptions;
}

const { setup, recipe, options } = workerData as BatchThreadData;
const dataset = datasetOf(recipe, (handle) => new FileSource(handle as FileHandle));
const order = new BatchOrder(dataset, options);
parentPort?.postMessage('ready');
fillRing(setup, dataset, order);
