// What a status, a line or a problem says: the same choice of messages as crates/words/src makes.

import { Code, nameOf } from './codes';
import { hostOf } from './screen';
import { type Arguments, leftArguments, leftBetween, NONE, type Words } from './strings';
import type { Line, StatusView, Timestamp } from './view';

/** What is to be told, and what its reader can do about it. */
export interface Sentence {
  text: string;
  nextStep: string;
}

/** The id that stands for a stable name: `NOT_ASSIGNED` and `device.name` become `not-assigned` and `device-name`. */
const kebab = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');

/** What to tell about a product's status. Total: what this version does not know has a sentence too. */
export function statusSentence(words: Words, status: StatusView, product: string, now: Timestamp): Sentence {
  const args = { ...statusArguments(words, status, now), product };
  const id = `status-${known(words, status)}`;
  const sentence = words.message(id, args);
  const stopAt = status.stop_at;
  const text =
    stopAt === undefined
      ? sentence
      : words.message('status-stopping', { sentence, product, time: words.time(stopAt, now) });
  return { text, nextStep: words.message(`${id}.next`, args) };
}

/** The status in a word or two, to stand beside the product's name. */
export function stateWord(words: Words, status: StatusView, now: Timestamp): string {
  return words.message(`state-${known(words, status)}`, statusArguments(words, status, now));
}

/** The status line. */
export function lineText(words: Words, line: Line, now: Timestamp): string {
  switch (line.line) {
    case 'licensed':
    case 'sign_in_again':
      return words.message(`line-${kebab(line.line)}`, { user: line.user });
    case 'offline':
    case 'final':
      return words.message(`line-${line.line}`, {
        product: line.product,
        away: line.away ?? 'offline',
        until: words.dateTime(line.until, now),
        ...leftArguments(line.left),
      });
    case 'outage': {
      const which = line.reach.endsWith('_outage') ? `-${line.reach.slice(0, -'_outage'.length)}` : '';
      return words.message(`line-outage${which}`);
    }
    case 'stopped': {
      const state = stateWord(words, { code: line.code, name: '' }, now);
      const args: Arguments = { product: line.product, state };
      if (line.stop_at === null) return words.message('line-stopped', args);
      return words.message('line-stopping', { ...args, time: words.time(line.stop_at, now) });
    }
    default:
      return words.find(`line-${kebab((line as { line: string }).line)}`) ?? words.message('line-other');
  }
}

/** What to tell about a problem. A key that this version does not know is shown as it is, for support. */
export function problemSentence(words: Words, key: string, clockAhead?: number): Sentence {
  const args = { problem: key, ...clockOff(words, clockAhead) };
  const id = words.find(`problem-${kebab(key)}`, args) === undefined ? 'problem' : `problem-${kebab(key)}`;
  return { text: words.message(id, args), nextStep: words.message(`${id}.next`, args) };
}

/** By how much a clock is wrong that is so many minutes ahead, where that is known, and to which side. */
function clockOff(words: Words, ahead?: number): { by: string; clock: string } {
  const by = ahead === undefined ? NONE : clockOffBy(words, Math.abs(ahead));
  return { by, clock: (ahead ?? 0) < 0 ? 'behind' : 'ahead' };
}

/** "12 minutes", "5 hours", "400 days". */
function clockOffBy(words: Words, minutes: number): string {
  if (minutes < 120) return words.message('clock-off-by', { unit: 'minutes', count: minutes });
  if (minutes < 2880) return words.message('clock-off-by', { unit: 'hours', count: Math.floor(minutes / 60) });
  return words.message('clock-off-by', { unit: 'days', count: Math.floor(minutes / 1440) });
}

/** What a field of a check is, and what it is sent for. */
export function fieldText(words: Words, field: string): { name: string; why: string } {
  const args = { field };
  const id = words.find(`field-${kebab(field)}`, args) === undefined ? 'field' : `field-${kebab(field)}`;
  return { name: words.message(id, args), why: words.message(`${id}.why`, args) };
}

/** The most exact name of the status that there are words for. */
function known(words: Words, status: StatusView): string {
  const code = nameOf(status.code);
  if (code === undefined) return 'unknown';
  const name = kebab(code);
  let detail: string | undefined;
  if (status.code === Code.Ok) {
    // How long it goes on is all that most of these say.
    detail = status.until === undefined && status.basis !== 'outage' ? undefined : status.basis;
  } else if (status.code === Code.AuthPending) {
    detail = status.reason;
  }
  const exact = detail === undefined ? name : `${name}-${kebab(detail)}`;
  return words.find(`state-${exact}`) === undefined ? name : exact;
}

function statusArguments(words: Words, status: StatusView, now: Timestamp): Arguments {
  const { until, detail } = status;
  // A next try and the end of a temporary licence are hours away at most.
  const soon = status.code === Code.AuthPending || status.basis === 'temporary';
  const left = status.left ?? (until === undefined ? { hours: 0 } : leftBetween(now, until));
  return {
    code: String(status.code),
    away: status.away ?? 'offline',
    until: until === undefined ? NONE : soon ? words.time(until, now) : words.dateTime(until, now),
    contact: detail?.contact || NONE,
    holder: detail?.holder?.name || NONE,
    takeover: detail?.may_take_over === true ? 'yes' : NONE,
    version: detail?.minimum_version || NONE,
    host: status.obstacle?.host || NONE,
    trouble: status.obstacle?.by || NONE,
    other: status.waiting_for === undefined ? NONE : hostOf(status.waiting_for),
    ...clockOff(words, status.clock_ahead),
    ...leftArguments(left),
  };
}
