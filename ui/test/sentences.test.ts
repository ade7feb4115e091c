// The window says what the Rust programs say: it replays what crates/words wrote down (tests/snapshots.rs).

import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { fieldText, lineText, problemSentence, stateWord, statusSentence } from '../src/sentences';
import { countdown, leftBetween, Words } from '../src/strings';
import type { Line, StatusView } from '../src/view';
import { NOW, ZONE } from '../gallery/fixtures';
import { here } from './files';

type Case = { said: string[] } & (
  | { status: StatusView }
  | { line: Line }
  | { problem: string }
  | { field: string }
  | { at: number }
);

function cases(language: string): Case[] {
  const path = here(`../../crates/words/tests/snapshots/window.${language}.snap`);
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Case);
}

function said(words: Words, one: Case): string[] {
  if ('status' in one) {
    const { text, nextStep } = statusSentence(words, one.status, 'Atlas', NOW);
    return [text, nextStep, stateWord(words, one.status, NOW)];
  }
  if ('line' in one) return [lineText(words, one.line, NOW)];
  if ('problem' in one) {
    const { text, nextStep } = problemSentence(words, one.problem);
    return [text, nextStep];
  }
  if ('field' in one) {
    const { name, why } = fieldText(words, one.field);
    return [name, why];
  }
  return [words.date(one.at, NOW), words.dateTime(one.at, NOW), words.time(one.at, NOW)];
}

it.each(['en', 'de'])('says what the other programs say (%s)', (language) => {
  const words = new Words({ language, timeZone: ZONE });
  const all = cases(language);
  expect(all.length).toBeGreaterThan(70);
  for (const one of all) expect(said(words, one), JSON.stringify(one)).toEqual(one.said);
});

it('speaks the language that is asked for, or English', () => {
  const spoken = (language: string) => new Words({ language, timeZone: null }).language;
  expect(spoken('de-AT')).toBe('de');
  expect(spoken('en-US')).toBe('en');
  expect(spoken('fr')).toBe('en');
  expect(spoken('toString')).toBe('en');
  expect(spoken('')).toBe('en');
});

it('opens in a zone that it does not know, too', () => {
  const words = new Words({ language: 'en', timeZone: 'Nowhere/Land' });
  expect(words.date(NOW, NOW)).toMatch(/^2[345] November$/);
});

it('counts what is left as the rules do', () => {
  const HOUR = 3_600_000;
  expect(leftBetween(0, 30 * 24 * HOUR)).toEqual({ days: 30 });
  expect(leftBetween(1, 30 * 24 * HOUR)).toEqual({ days: 30 });
  expect(leftBetween(0, 24 * HOUR)).toEqual({ days: 1 });
  expect(leftBetween(1, 24 * HOUR)).toEqual({ hours: 24 });
  expect(leftBetween(0, 1)).toEqual({ hours: 1 });
  expect(leftBetween(5, 1)).toEqual({ hours: 0 });
});

it('counts down in minutes, and in hours where there are any', () => {
  expect(countdown(-1)).toBe('0:00');
  expect(countdown(61_999)).toBe('1:01');
  expect(countdown(3_600_000 + 62_000)).toBe('1:01:02');
});
