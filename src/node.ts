/** What needs Node: experiment files, run directories, data files. Everything of the core is in `throughtime`. */

export { type BlasOptions, blasBackend } from './compute/blas/blas.ts';
export { type KerasNetwork, kerasNetwork } from './interop/kerasModel.ts';
export { writeOnnx } from './interop/onnx.ts';
export { fromPytorch } from './interop/pytorch.ts';
export { type ModelJson, parseModelJson, readShards } from './interop/tensorflowJson.ts';
export { type CompareOptions, type Comparison, compareRuns, type LeftOut, type RunsRead, readRuns } from './run/compare/compareRuns.ts';
export { type Exported, exportCurves, exportRuns } from './run/compare/exportRuns.ts';
export type { Group } from './run/compare/groups.ts';
export type { GroupDifference } from './run/compare/pairs.ts';
export type { RunSummary } from './run/compare/runSummary.ts';
export {
  courseOf,
  type DiagnoseExperimentRequest,
  type DiagnoseRunRequest,
  diagnoseExperiment,
  diagnoseRun,
  type RunDiagnosis,
} from './run/diagnoseRun.ts';
export { type Experiment, experimentFrom, readExperiment } from './run/experiment.ts';
export { experimentJsonSchema } from './run/experimentSchema.ts';
export { type ExportAnswer, type ExportRequest, exportNetwork } from './run/exportRun.ts';
export { type GenerateRequest, generateText } from './run/generateText.ts';
export { type ImportAnswer, type ImportRequest, importWeights } from './run/importWeights.ts';
export { type Metrics, type MetricsLine, readMetrics } from './run/metrics.ts';
export { type OpenedData, type OpenOptions, openData, openDataFiles } from './run/openData.ts';
export { openWeights, type WeightsShape } from './run/openWeights.ts';
export { type ForecastValue, type PredictionAnswer, type PredictRequest, predictRun, type SequenceAnswer } from './run/predictRun.ts';
export { type Profiles, readProfiles } from './run/profiles.ts';
export { RunDirectory, type RunRecord } from './run/runDirectory.ts';
export { TensorboardFile } from './run/tensorboardFile.ts';
export { type TrainedNetwork, trainedNetwork } from './run/trainedNetwork.ts';
export { type TrainRequest, type TrainResult, type TrainWatcher, trainRun } from './run/trainRun.ts';
export { type ExperimentTreatment, type TreatOptions, treat } from './run/treatRun.ts';
export { ThreadHands } from './sweep/hands/threadHands.ts';
export { reportFor, runSweep, type SweepRequest, type SweepResult, type SweepWatcher } from './sweep/runSweep.ts';
export type { SettingRow, Spread } from './sweep/standing.ts';
export { eachTrialEvent, SweepDirectory, type SweepRecord } from './sweep/sweepDirectory.ts';
export { type ReadSweep, readSweep, type Sweep } from './sweep/sweepFile.ts';
export { sweepJsonSchema } from './sweep/sweepSchema.ts';
export type { TrialEvent } from './sweep/trialEvents.ts';
export * from './tables.ts';
