// The status codes (crates/core/src/code.rs) that a screen is drawn for. Numbers never change.

export const Code = {
  Ok: 0,
  AuthPending: 4,
  SignInRequired: 10,
  OfflineLimitReached: 12,
  NotAssigned: 13,
  SubscriptionEnded: 14,
  SessionInUse: 16,
  InvalidArgument: 22,
  DeviceReleased: 23,
} as const;

const NAMES = new Map<number, string>([
  [0, 'OK'],
  [1, 'CONNECTING'],
  [2, 'PENDING_IDENTITY'],
  [3, 'PENDING_LICENSING'],
  [4, 'AUTH_PENDING'],
  [10, 'SIGN_IN_REQUIRED'],
  [11, 'FIRST_START_OFFLINE'],
  [12, 'OFFLINE_LIMIT_REACHED'],
  [13, 'NOT_ASSIGNED'],
  [14, 'SUBSCRIPTION_ENDED'],
  [15, 'DEVICE_LIMIT'],
  [16, 'SESSION_IN_USE'],
  [17, 'IDENTITY_UNAVAILABLE'],
  [18, 'LICENSING_UNAVAILABLE'],
  [19, 'CLIENT_OUTDATED'],
  [20, 'AGENT_NOT_FOUND'],
  [21, 'LEASE_INVALID'],
  [22, 'INVALID_ARGUMENT'],
  [23, 'DEVICE_RELEASED'],
]);

/** The stable name of a code, if this version knows its number. */
export const nameOf = (code: number): string | undefined => NAMES.get(code);
