import type { Palette } from '../data/theme.ts';
import { font } from './axes.tsx';

/** Room for the title and the legend above a saved picture. */
const head = 50;

/** A chart as it is on the page, with its title and legend, as an SVG document that needs nothing else. */
export function svgOf(chart: HTMLElement, title: string, colours: Palette): string {
  const drawn = chart.querySelector<SVGSVGElement>('.plot svg');
  if (!drawn) return '';
  const [width, height] = [drawn.width.baseVal.value, drawn.height.baseVal.value];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const make = (name: string, attributes: Record<string, string | number>, text?: string) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    if (text !== undefined) element.textContent = text;
    svg.append(element);
    return element;
  };
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('width', String(width));
  svg.setAttribute('height', String(height + head));
  svg.setAttribute('viewBox', `0 0 ${width} ${height + head}`);
  svg.setAttribute('font-family', font);
  svg.setAttribute('font-size', '11');
  make('rect', { width, height: height + head, fill: colours.card });
  make('text', { x: 14, y: 21, fill: colours.ink, 'font-size': 14, 'font-weight': 600 }, title);
  let left = 14;
  for (const key of chart.querySelectorAll<HTMLElement>('.legend .key')) {
    const swatch = key.querySelector('line, rect');
    const colour = swatch?.getAttribute('stroke') ?? swatch?.getAttribute('fill');
    const name =
      (key.firstChild?.nodeType === Node.TEXT_NODE
        ? key.textContent
        : [...key.childNodes]
            .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
            .map(({ textContent }) => textContent)
            .join('')) ?? '';
    if (colour) make('line', { x1: left, x2: left + 16, y1: 36, y2: 36, stroke: colour, 'stroke-width': 2.4 });
    make('text', { x: left + (colour ? 21 : 0), y: 40, fill: colours.quiet }, name);
    left += (colour ? 21 : 0) + name.length * 6 + 16;
  }
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  copy.setAttribute('y', String(head));
  copy.querySelector('.cursor')?.remove();
  svg.append(copy);
  return new XMLSerializer().serializeToString(svg);
}

/** The same as a picture of twice its size in pixels. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be made'))), 'image/png'),
  );
}

/** Hands a file to the visitor. */
export function save(name: string, content: Blob | string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  link.download = name.replaceAll(/[^\w.-]+/g, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
