/**
 * The core of throughtime: recurrent networks, their gradient through time, and what measures it. Runs in Node and in the
 * browser, depends on nothing. What needs Node (files, run directories) is in `throughtime/node`.
 */
export type { Backend, CellBackwardStep, CellKernel, CellStep, PackedMatrix, Precision, Reals } from './compute/backend.ts';
export { type ByteSize, bytesOf, showBytes } from './compute/bytes.ts';
export { Random, seedFor } from './compute/random.ts';
export { scalarBackend } from './compute/scalar/scalar.ts';
export { wasmBackend } from './compute/wasm/wasm.ts';
export { type ByteSource, heldBytes } from './data/byteSource.ts';
export type { Baseline, DataDescription, DataParts, Dataset, Window } from './data/dataset.ts';
export { splitLines } from './data/lines.ts';
export { type SequencesFile, type SequencesOptions, sequencesData, sequencesDataset } from './data/sequences.ts';
export { type TableColumns, type TableOptions, tableData } from './data/table.ts';
export type { TaskOptions } from './data/task/task.ts';
export { makeTask, taskHorizon } from './data/task/tasks.ts';
export { indexedText, type TextData, type TextOptions, type TextParts, textData } from './data/text.ts';
export { type TextIndex, TextScan } from './data/textScan.ts';
export { type DependenceOptions, type DependenceProgress, dependence, dependencePieces } from './diagnosis/dependence/dependence.ts';
export {
  type DependenceOutcome,
  type DependenceReport,
  type LadderRung,
  lossOfWindow,
  type PowerPoint,
} from './diagnosis/dependence/report.ts';
export {
  type DiagnoseOptions,
  type Diagnosis,
  type DiagnosisProgress,
  diagnose,
  diagnosePieces,
} from './diagnosis/diagnose.ts';
export { type Course, CourseRecorder } from './diagnosis/examination/course.ts';
export type { Examination } from './diagnosis/examination/examination.ts';
export { type Usage, type UsagePoint, usagePieces } from './diagnosis/examination/usage.ts';
export { choosePieces, chooseThreshold } from './diagnosis/threshold/choose.ts';
export { type TuneClipAnswer, type TuneClipOptions, tuneClipPieces } from './diagnosis/threshold/tuneClip.ts';
export type { Finding, Judge, Opinion, Prescription, VerdictKind } from './diagnosis/verdict/verdict.ts';
export { judge, judges, type Verdict } from './diagnosis/verdict/verdicts.ts';
export { type ErrorCode, type ErrorKind, type ErrorPlace, errorCodes, ThroughtimeError } from './errors.ts';
export { type NamedTensor, readSafetensors, type TensorFile, writeSafetensors } from './interop/safetensors.ts';
export { type GradientHorizon, gradientHorizon, type HorizonLook, type HorizonOptions } from './monitor/gradientHorizon.ts';
export { GradientNorm, type GradientNorms } from './monitor/gradientNorm.ts';
export { type HalfLife, halfLives } from './monitor/halfLife.ts';
export { type JacobianOptions, type JacobianSpectrum, jacobianSpectrum } from './monitor/jacobian.ts';
export { type LagContribution, type LagContributions, lagContributions } from './monitor/lagContribution.ts';
export { type LagPoint, lagGradients, lagProfile, longLagGradients } from './monitor/lagProfile.ts';
export { type Look, type LookOptions, type LookShape, lookAt, lookShape } from './monitor/look.ts';
export { type LyapunovOptions, type LyapunovSpectrum, lyapunovExponents } from './monitor/lyapunov.ts';
export type { LookSize, Monitor } from './monitor/monitor.ts';
export { costOf, defaultMonitors, monitors } from './monitor/monitors.ts';
export { describeLocation, type Feed, locateNonFinite, type NonFiniteLocation } from './monitor/nonFinite.ts';
export { type NormGrowth, normGrowth } from './monitor/normGrowth.ts';
export { orthogonality } from './monitor/orthogonality.ts';
export { type Saturation, saturation } from './monitor/saturation.ts';
export { type SingularRange, singularRange } from './monitor/singularValues.ts';
export { StepJacobian } from './monitor/stepJacobian.ts';
export { type Transport, type TransportOptions, type TransportPoint, transport } from './monitor/transport.ts';
export { allocateBatch, type Batch, type InputShape, type TargetShape } from './network/batch.ts';
export type { Cell } from './network/cell/cell.ts';
export { cells } from './network/cell/cells.ts';
export { type GradcheckOptions, type GradcheckReport, gradcheck } from './network/gradcheck.ts';
export { type GradcheckCellOptions, type GradcheckCellReport, gradcheckCell } from './network/gradcheckCell.ts';
export type { RecurrentInit } from './network/init/init.ts';
export type { Loss, LossName } from './network/loss/loss.ts';
export { losses } from './network/loss/losses.ts';
export { type CellName, checkModel, type ModelOptions } from './network/model.ts';
export { initialize, Network } from './network/network.ts';
export type { OrthogonalMapName, OrthogonalOption } from './network/orthogonal/orthogonal.ts';
export { type Parameter, Parameters } from './network/parameters.ts';
export { Checkpointed, type LongPass } from './network/unroll/checkpointed.ts';
export { generate } from './network/unroll/generate.ts';
export { describePlan, leastMemory, type MemoryPlan, planMemory } from './network/unroll/memoryPlan.ts';
export { type PassMemory, passMemory } from './network/unroll/passMemory.ts';
export { type CarriedStates, Predictor } from './network/unroll/predictor.ts';
export { type Bound, StateWatch, stateLimit } from './network/unroll/stateWatch.ts';
export { type BpttOption, type TruncatedWindow, truncatedWindow } from './network/unroll/truncated.ts';
export { type BackwardOptions, type ForwardOptions, type Part, Unrolled } from './network/unroll/unrolled.ts';
export { BatchOrder, type Place } from './training/batchOrder.ts';
export type { BatchSource } from './training/batchSource.ts';
export type { Binding, Clip, ClipOption, GradientView } from './training/clip/clip.ts';
export { clipOf } from './training/clip/clips.ts';
export { boundStates, type ClippedGradient, makeClip, makeNormMonitor } from './training/clip/typedArrays.ts';
export { constantLoss } from './training/constantPredictor.ts';
export { type Evaluation, Evaluator, type Metric } from './training/evaluator.ts';
export type { Failure, TrainingEvent } from './training/events.ts';
export { ExplosionDetector, type Sign, type SignKind, type UpdateLook } from './training/guard/detector.ts';
export type { GuardOption } from './training/guard/guard.ts';
export { restoreSnapshot, type Snapshot, takeSnapshot } from './training/guard/snapshots.ts';
export type { OptimizerName } from './training/optimizer/optimizer.ts';
export { type TrainingOptions, trainingDefaults } from './training/options.ts';
export { predictions, type SequencePrediction } from './training/predictions.ts';
export { horizonLooks, type ProfileLine, Profiler } from './training/profiler.ts';
export type { ScheduleOption } from './training/schedule/schedule.ts';
export { summarize, type TrainingSummary } from './training/summary.ts';
export { Trainer, type TrainerCursor, type UpdateRecord } from './training/trainer.ts';
export { describeMemory, planTraining, type TrainingMemory } from './training/trainingMemory.ts';
export { Updater } from './training/updater.ts';
