/**
 * Tables and compressed files, in a page as in Node: their columns, for `tableData` of `throughtime`. It depends on readers of CSV and
 * Parquet, which the core does not.
 */
export type { ReadColumns, ReadRow } from './interop/collectColumns.ts';
export { type CsvOptions, type CsvSource, eachCsvRow, readCsv } from './interop/csv.ts';
export { checkDeclaredSize, gunzip, isGzip, mostUnpacked } from './interop/gzip.ts';
export { eachParquetRow, isParquet, type ParquetOptions, readParquet } from './interop/parquetRows.ts';
