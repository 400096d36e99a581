// SPDX-License-Identifier: BSD-3-Clause

// Chromium with a page of a trace in it. Run by run_node.sh, which says where the packages lie.
import {execFileSync} from 'node:child_process';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const require = createRequire(`${process.env.NODE_PACKAGES}/package.json`);
const {chromium} = require('playwright-core');

/** Debian's Chromium; where there is none the script ends as skipped. Its sandbox needs rights that
 *  root in a container does not have. */
export function launch() {
  const path = execFileSync('sh', ['-c', 'command -v chromium || true'], {encoding: 'utf8'}).trim();
  if (!path) {
    console.error('SKIPPED: there is no chromium; scripts/setup.sh --browser installs it');
    process.exit(77);
  }
  const isRoot = process.getuid() === 0;
  return chromium.launch({executablePath: path, args: isRoot ? ['--no-sandbox'] : []});
}

/** Opens a page and waits until it can be used; `problems` collects errors and requests. */
export async function open(browser, file, options = {}) {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...options});
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error.stack)));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
  page.on('request', (request) => {
    if (request.url() !== pathToFileURL(file).href) problems.push(`asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('body[data-ready]', {timeout: 60000}).catch((error) => {
    throw new Error([...problems, error.message].join('\n'));
  });
  return {page, problems};
}
