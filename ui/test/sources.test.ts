// What can be judged by reading: contrast, words, and what the content security policy forbids.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from '@fluent/syntax';
import { describe, expect, it } from 'vitest';

import { here } from './files';

const sources = readdirSync(here('../src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|svelte)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(here('../src'), path), 'utf8') }));

/** Every style sheet. */
const style = () =>
  readdirSync(here('../src/style'))
    .filter((name) => name.endsWith('.css'))
    .map((name) => readFileSync(join(here('../src/style'), name), 'utf8'))
    .join('\n');

describe('contrast', () => {
  const css = style();
  const [light = '', dark = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map((match) => match[1]);
  const tokens = (block: string) =>
    Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));

  function luminance(colour: string): number {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  }

  function contrast(one: string, other: string): number {
    const [bright, dim] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (bright! + 0.05) / (dim! + 0.05);
  }

  const surfaces = ['background', 'surface'];
  const text = ['text', 'quiet', 'accent', 'warning', 'stop'].flatMap((ink) => surfaces.map((paper) => [ink, paper]));
  const pairs = [
    ...text,
    ['on-accent', 'accent'],
    ['on-stop', 'stop'],
    ['text', 'warning-surface'],
    ['text', 'stop-surface'],
    ['quiet', 'stop-surface'],
    ['accent', 'warning-surface'],
  ];
  // What is no text but must be seen: the edges of buttons, and signs (WCAG 2.2, 1.4.11).
  const edges = surfaces.map((paper) => ['control', paper]);

  it.each([
    ['light', tokens(light)],
    ['dark', { ...tokens(light), ...tokens(dark) }],
  ])('is 4.5 for text and 3 for edges (%s)', (_, colours) => {
    for (const [ink, paper] of pairs) {
      expect(contrast(colours[ink!]!, colours[paper!]!), `${ink} on ${paper}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const [ink, paper] of edges) {
      expect(contrast(colours[ink!]!, colours[paper!]!), `${ink} on ${paper}`).toBeGreaterThanOrEqual(3);
    }
  });

  it('uses no colour but the tokens', () => {
    const rest = css.replaceAll(/:root \{[^}]*\}/g, '');
    expect(rest.match(/#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/gi)).toBeNull();
  });
});

describe('words', () => {
  const text = readFileSync(here('../../crates/words/locales/en/window.ftl'), 'utf8');
  const ids = parse(text, {}).body.flatMap((entry) => (entry.type === 'Message' ? [entry.id.name] : []));
  const code = sources.map((source) => source.text).join('\n');

  it('says nothing that nobody asks for', () => {
    const families = [...code.matchAll(/`([a-z-]+-)\$\{/g)].map((match) => match[1]!);
    const asked = (id: string) => code.includes(`'${id}'`) || families.some((family) => id.startsWith(family));
    expect(ids.filter((id) => !asked(id))).toEqual([]);
  });
});

describe('content security policy', () => {
  it.each(sources.filter((source) => source.path.endsWith('.svelte')))('$path needs nothing inline', ({ text }) => {
    expect(text).not.toMatch(/\sstyle[=:{]|<style|\{@html|innerHTML|javascript:/);
  });

  it('only the bridge knows Tauri', () => {
    expect(sources.filter(({ text }) => text.includes('@tauri-apps')).map(({ path }) => path)).toEqual(['bridge.ts']);
  });

  it('nothing comes from elsewhere', () => {
    const css = style();
    expect(css).not.toMatch(/@import|url\(/);
    expect(sources.filter(({ text }) => /https?:\/\//.test(text))).toEqual([]);
  });
});

it('the lock file names no registry', () => {
  const lock = JSON.parse(readFileSync(here('../package-lock.json'), 'utf8')) as { packages: Record<string, object> };
  expect(Object.values(lock.packages).filter((entry) => 'resolved' in entry)).toEqual([]);
});
