import type { ByteSource } from './byteSource.ts';
import { type CharactersRecipe, IndexedCharacters } from './characters.ts';
import type { Dataset } from './dataset.ts';
import { FileRows, type RowsRecipe } from './rows.ts';
import { TableWindows, type WindowsShape } from './tableWindows.ts';
import { TextStreams } from './text.ts';

/** What another thread needs to open a data set for itself: a value that can be sent to it. */
export type DatasetRecipe =
  | { readonly kind: 'textStreams'; readonly characters: CharactersRecipe; readonly B: number; readonly size: number }
  | { readonly kind: 'tableWindows'; readonly rows: RowsRecipe; readonly shape: WindowsShape };

/** Opens the data set of a recipe. @param open makes a source of the handle of one. */
export function datasetOf(recipe: DatasetRecipe, open: (handle: unknown) => ByteSource): Dataset {
  switch (recipe.kind) {
    case 'textStreams': {
      const { source, index, from, length } = recipe.characters;
      return new TextStreams(new IndexedCharacters(open(source), index, from, length), recipe.B, recipe.size);
    }
    case 'tableWindows': {
      const { source, count, moments } = recipe.rows;
      return new TableWindows(new FileRows(open(source), moments, count), recipe.shape);
    }
  }
}
