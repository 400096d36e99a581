// SPDX-License-Identifier: BSD-3-Clause

// Small rectangles by the hundred thousand: written into an image, which costs a fraction of as many
// calls to the canvas.

const rgbOfColour = new Map();
let rgbContext = null;

/** A colour of the style sheet as the low 24 bits of a pixel. */
function rgbOf(colour) {
  let rgb = rgbOfColour.get(colour);
  if (rgb === undefined) {
    if (!rgbContext) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 1;
      rgbContext = canvas.getContext('2d', {willReadFrequently: true});
    }
    rgbContext.fillStyle = colour;
    rgbContext.fillRect(0, 0, 1, 1);
    const [red, green, blue] = rgbContext.getImageData(0, 0, 1, 1).data;
    rgbOfColour.set(colour, rgb = blue << 16 | green << 8 | red);
  }
  return rgb;
}

/** An image of a canvas's size in CSS pixels; what is not filled is transparent. */
export class Pixels {
  constructor() { this.canvas = document.createElement('canvas'); }

  begin(width, height) {
    const [columns, rows] = [Math.ceil(width), Math.ceil(height)];
    if (this.columns === columns && this.rows === rows) {
      this.words.fill(0);
      return;
    }
    Object.assign(this, {columns, rows});
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.context = this.canvas.getContext('2d');
    this.image = this.context.createImageData(columns, rows);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /** Whole pixels; the last one written wins. */
  fill(colour, alpha, x, y, width, height) {
    const left = Math.max(0, x);
    const right = Math.min(this.columns, x + width);
    if (right <= left) return;
    const word = (Math.round(alpha * 255) << 24 | rgbOf(colour)) >>> 0;
    const bottom = Math.min(this.rows, y + height);
    for (let row = Math.max(0, y); row < bottom; ++row) {
      const start = row * this.columns;
      for (let at = start + left; at < start + right; ++at) this.words[at] = word;
    }
  }

  draw(context) {
    this.context.putImageData(this.image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, 0, 0, this.columns, this.rows);
  }
}
