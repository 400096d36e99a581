// SPDX-License-Identifier: BSD-3-Clause

// Colours of what is drawn. The style sheet owns the themes; canvases read its variables.

/** Hues that stay apart for most eyes, the most frequent types first. */
const hues = [250, 60, 155, 310, 25, 200, 105, 340, 280, 130];

/** Takes the theme that was chosen last. */
export function restoreTheme() {
  try {
    const name = localStorage.getItem('nodezero-trace-theme');
    if (name) document.documentElement.dataset.theme = name;
  } catch {
    // Files may have no storage.
  }
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function chooseTheme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem('nodezero-trace-theme', name);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export function chooseOtherTheme() {
  chooseTheme(isDark() ? 'light' : 'dark');
}

/** Colours by name, and `type[t]` of slices for each message type. */
export function readColours(types, nameCount) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const dark = isDark();
  const grey = dark ? 'oklch(0.62 0.012 250)' : 'oklch(0.80 0.012 250)';
  const type = new Array(nameCount).fill(grey);
  types.slice(0, hues.length).forEach(([number], rank) => {
    type[number] = dark ? `oklch(0.72 0.105 ${hues[rank]})` : `oklch(0.77 0.11 ${hues[rank]})`;
  });
  const names = ['page', 'panel', 'text', 'muted', 'line', 'accent', 'danger', 'faint', 'arrow',
    'slice-text', 'life', 'row', 'marked'];
  return {type, ...Object.fromEntries(names.map((name) => [name.replace('-', '_'), colour(name)]))};
}
