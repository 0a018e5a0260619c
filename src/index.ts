/**
 * The core of throughtime: recurrent networks, their gradient through time, and what measures it. Runs in Node and in the
 * browser, depends on nothing. What needs Node (files, run directories) is in `throughtime/node`.
 */
export type { Backend, CellBackwardStep, CellKernel, CellStep, PackedMatrix, Precision, Reals } from './compute/backend.ts';
export { type ByteSize, bytesOf, showBytes } from './compute/bytes.ts';
export { Random, seedFor } from './compute/random.ts';
export { scalarBackend } from './compute/scalar/scalar.ts';
export { wasmBackend } from './compute/wasm/wasm.ts';
export type { Baseline, DataDescription, DataParts, Dataset, Window } from './data/dataset.ts';
export { splitLines } from './data/lines.ts';
export { type SequencesFile, type SequencesOptions, sequencesData, sequencesDataset } from './data/sequences.ts';
export { type TableColumns, type TableOptions, tableData } from './data/table.ts';
export type { TaskOptions } from './data/task/task.ts';
export { makeTask, taskHorizon } from './data/task/tasks.ts';
export { type TextData, textData } from './data/text.ts';
export { type DependenceOptions, type DependenceProgress, dependence, dependencePieces } from './diagnosis/dependence/dependence.ts';
export {
  type DependenceOutcome,
  type DependenceReport,
  type LadderRung,
  lossOfWindow,
  type PowerPoint,
} from './diagnosis/dependence/report.ts';
export { type ErrorCode, type ErrorKind, type ErrorPlace, errorCodes, ThroughtimeError } from './errors.ts';
export { type NamedTensor, readSafetensors, type TensorFile, writeSafetensors } from './interop/safetensors.ts';
export { type LagPoint, lagGradients, lagProfile, longLagGradients } from './monitor/lagProfile.ts';
export { type LyapunovOptions, type LyapunovSpectrum, lyapunovExponents } from './monitor/lyapunov.ts';
export { orthogonality } from './monitor/orthogonality.ts';
export { allocateBatch, type Batch, type InputShape, type TargetShape } from './network/batch.ts';
export type { Cell } from './network/cell/cell.ts';
export { cells } from './network/cell/cells.ts';
export { type GradcheckOptions, type GradcheckReport, gradcheck } from './network/gradcheck.ts';
export { type GradcheckCellOptions, type GradcheckCellReport, gradcheckCell } from './network/gradcheckCell.ts';
export type { RecurrentInit } from './network/init/init.ts';
export type { Loss, LossName } from './network/loss/loss.ts';
export { losses } from './network/loss/losses.ts';
export { checkModel, type ModelOptions } from './network/model.ts';
export { initialize, Network } from './network/network.ts';
export { type Parameter, Parameters } from './network/parameters.ts';
export { Checkpointed, type LongPass } from './network/unroll/checkpointed.ts';
export { generate } from './network/unroll/generate.ts';
export { describePlan, leastMemory, type MemoryPlan, planMemory } from './network/unroll/memoryPlan.ts';
export { type PassMemory, passMemory } from './network/unroll/passMemory.ts';
export { type BpttOption, type TruncatedWindow, truncatedWindow } from './network/unroll/truncated.ts';
export { type BackwardOptions, type ForwardOptions, type Part, Unrolled } from './network/unroll/unrolled.ts';
export type { Clip, ClipOption, GradientView } from './training/clip/clip.ts';
export { clipOf } from './training/clip/clips.ts';
export { constantLoss } from './training/constantPredictor.ts';
export { type Evaluation, Evaluator, type Metric } from './training/evaluator.ts';
export type { OptimizerName } from './training/optimizer/optimizer.ts';
export { type TrainingOptions, trainingDefaults } from './training/options.ts';
export type { ScheduleOption } from './training/schedule/schedule.ts';
export { summarize, type TrainingSummary } from './training/summary.ts';
export { Trainer, type TrainerCursor, type UpdateRecord } from './training/trainer.ts';
export { describeMemory, planTraining, type TrainingMemory } from './training/trainingMemory.ts';
export { Updater } from './training/updater.ts';
