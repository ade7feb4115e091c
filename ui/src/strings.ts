// The words: the same Fluent files as the Rust programs read (crates/words), and dates as people read them.

import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';

import type { Locale } from './bridge';
import type { Left, Timestamp } from './view';

const files = import.meta.glob<string>(
  '../../crates/words/locales/*/{dates,privacy,problems,status,tray,window}.ftl',
  { query: '?raw', import: 'default', eager: true },
);

/** Whose dates are used: for English the form that reads the same everywhere, day before month and 24 hours. */
const LANGUAGES = { en: 'en-GB', de: 'de' } as const;
type Language = keyof typeof LANGUAGES;

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** How far away a date in another year may be and still need no year: "20 January" is clear in December. */
const CLEAR_FOR = 180 * DAY;

/** What a message selects on where an argument does not apply. */
export const NONE = 'none';

export type Arguments = Record<string, string | number>;

export class Words {
  readonly language: Language;
  readonly #bundle: FluentBundle;
  readonly #dayMonth: Intl.DateTimeFormat;
  readonly #dayMonthYear: Intl.DateTimeFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #numbers: Intl.DateTimeFormat;

  constructor(locale: Locale) {
    const wanted = locale.language.split(/[-_.@]/)[0] ?? '';
    this.language = Object.hasOwn(LANGUAGES, wanted) ? (wanted as Language) : 'en';
    this.#bundle = new FluentBundle(this.language, { useIsolating: false });
    for (const [path, text] of Object.entries(files)) {
      if (path.includes(`/${this.language}/`)) this.#bundle.addResource(new FluentResource(text));
    }
    const format = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(LANGUAGES[this.language], { ...options, timeZone: zone(locale.timeZone) });
    this.#dayMonth = format({ day: 'numeric', month: 'long' });
    this.#dayMonthYear = format({ day: 'numeric', month: 'long', year: 'numeric' });
    this.#time = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    this.#numbers = format({ day: 'numeric', month: 'numeric', year: 'numeric' });
  }

  /** The message with this id, or with `id.attribute`; the id itself where there is none. */
  message(id: string, args: Arguments = {}): string {
    return this.find(id, args) ?? id;
  }

  /** The message with this id, if there is one. */
  find(id: string, args: Arguments = {}): string | undefined {
    const [name = '', attribute] = id.split('.');
    const message = this.#bundle.getMessage(name);
    const pattern = attribute === undefined ? message?.value : message?.attributes[attribute];
    if (!pattern) return undefined;
    return this.#bundle.formatPattern(pattern, args as Record<string, FluentVariable>, []);
  }

  /** "21 December"; with the year where it is another than that of `now` and half a year or more away. */
  date(at: Timestamp, now: Timestamp): string {
    const far = Math.abs(at - now) > CLEAR_FOR && this.#year(at) !== this.#year(now);
    return (far ? this.#dayMonthYear : this.#dayMonth).format(at);
  }

  /** "21 December 14:05"; the year as in {@link date}. */
  dateTime(at: Timestamp, now: Timestamp): string {
    return this.message('date-time', { date: this.date(at, now), time: this.#time.format(at) });
  }

  /** "14:05" where that is today, else as {@link dateTime}. */
  time(at: Timestamp, now: Timestamp): string {
    const today = this.#numbers.format(at) === this.#numbers.format(now);
    return today ? this.#time.format(at) : this.dateTime(at, now);
  }

  /** "27 days", "5 hours". */
  left(left: Left): string {
    return this.message('left', leftArguments(left));
  }

  #year(at: Timestamp): string | undefined {
    return this.#numbers.formatToParts(at).find((part) => part.type === 'year')?.value;
  }
}

/** What is left at `now` before `until`: days, and hours under 24 h, each a ceiling (rules 3 and 4). */
export function leftBetween(now: Timestamp, until: Timestamp): Left {
  const left = Math.max(0, until - now);
  return left < DAY ? { hours: Math.ceil(left / HOUR) } : { days: Math.ceil(left / DAY) };
}

/** The two arguments that messages count time left with. */
export function leftArguments(left: Left): { unit: string; count: number } {
  // "Less than 0 hours" is what a reader would see in the second before the end.
  return 'days' in left ? { unit: 'days', count: left.days } : { unit: 'hours', count: Math.max(1, left.hours) };
}

/** "0:42", "1:02:07": a countdown or a wait, rounded down. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The zone as `Intl` wants it: a name that it does not know must not keep the window from opening. */
function zone(name: string | null): string | undefined {
  if (name === null) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
}
