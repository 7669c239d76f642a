/** All limits of the service, each with its reason. */

/** How often something may happen under one key, such as an account or a network, within a window of time. */
export interface RateLimit {
  /** Part of the counter's key: two limits with the same name share their counters. */
  readonly name: string
  readonly max: number
  /** A window begins with the first use after the previous window has ended. */
  readonly windowSeconds: number
  /** Each instance counts for itself: a shared counter would cost more than it protects. */
  readonly perInstance?: true
}

/**
 * How many failures in a row may happen under one key. A success resets the count. Each full day without a failure
 * subtracts `perDay`. Counted in the database, for all instances together.
 */
export interface RunLimit {
  readonly name: string
  readonly max: number
  /** How many more are allowed for each full day without a failure. At `max`, the next ones wait for such a day. */
  readonly perDay: number
  /** After so many failures in a row, no more for so long. */
  readonly pauses: readonly { readonly after: number; readonly seconds: number }[]
}

const minute = 60
const quarterHour = 15 * minute
const hour = 60 * minute

/** At most 100 wrong guesses in a row, with ever longer pauses, then a few a day. */
const inARow: Omit<RunLimit, 'name'> = {
  max: 100,
  perDay: 5,
  pauses: [
    { after: 25, seconds: quarterHour },
    { after: 50, seconds: hour },
    { after: 75, seconds: 6 * hour }
  ]
}

/**
 * Guesses at the password of one account. A guess counts while it is being checked, and stays counted if it was wrong.
 * A stranger is a client without a device token of the account. A network is an IPv4 address or an IPv6 /64.
 */
export const guessLimits = {
  /**
   * All strangers in one network, at any account: half a login a second. That is an eighth of a core at bcrypt cost 12, or
   * a quarter with `EMAIL_VERIFICATION=required`, where a refused login compares two passwords. It is enough for an
   * office behind one address: right passwords and known devices do not count, so thirty people would have to mistype
   * within one minute, each on a new device. Logins that get `email_not_verified` count, because strangers can cause
   * them at any account.
   */
  network: { name: 'guess-network', max: 30, windowSeconds: minute },
  /** Strangers in one network, at one account: an attacker with one network reaches this limit before all strangers do. */
  stranger: { name: 'guess-stranger', max: 10, windowSeconds: quarterHour },
  /** All strangers together, at one account. Spares the database, which counts `strangersInARow`. */
  strangers: { name: 'guess-strangers', max: 25, windowSeconds: quarterHour },
  /**
   * All strangers together, at one account, however long they take: at most 100 wrong guesses in a row (NIST SP 800-63B-4
   * §3.2.2). NIST then disables the password until the account is recovered. We still allow five guesses a day, so that
   * an owner without a known device can get in. The pauses become longer, so that an attack lasts long
   * enough to be noticed.
   */
  strangersInARow: { name: 'guess-strangers-in-a-row', ...inARow },
  /** One device that has signed in to the account before. */
  device: { name: 'guess-device', max: 10, windowSeconds: quarterHour },
  /** All such devices together, so that collecting device tokens does not buy more guesses. */
  devices: { name: 'guess-devices', max: 50, windowSeconds: quarterHour },
  /** One session whose user is asked for the password again. Spares the database, which counts `sessionInARow`. */
  session: { name: 'guess-session', max: 10, windowSeconds: quarterHour },
  /**
   * The same session, however long it takes: a thief of the session has no more guesses than strangers have. Each session
   * has a count of its own, so neither strangers nor the thief of one device can keep the owner's other sessions from
   * confirming the password. Wrong guesses also add to `strangersInARow`, which sees all guesses at an account.
   */
  sessionInARow: { name: 'guess-session-in-a-row', ...inARow }
} as const satisfies Record<string, RateLimit | RunLimit>

/**
 * Logins with the right password at one account from one network. Each adds rows to the database. By default an account
 * keeps 100 sessions, so more logins would only end its own. Other networks are not limited by it.
 */
export const loginLimit: RateLimit = { name: 'login', max: 100, windowSeconds: quarterHour }

/**
 * Logins at one account that get `email_not_verified`, of one known device or of the strangers in one network. They do not
 * count towards `loginLimit`: a stranger can register an address that has an account and cause them at any time, and must
 * not use up the logins of the owner's devices in the same network.
 */
export const unverifiedLoginLimit: RateLimit = { name: 'login-unverified', max: 30, windowSeconds: quarterHour }

/**
 * Registrations in one network, by ever longer windows. A class or an office that signs up together gets in; a flood of
 * accounts becomes slow. A taken address counts too, because the answer can show that somebody has an account.
 */
export const registrationLimits: readonly RateLimit[] = [
  { name: 'register-minute', max: 30, windowSeconds: minute },
  { name: 'register-hour', max: 90, windowSeconds: hour },
  { name: 'register-day', max: 180, windowSeconds: 24 * hour }
]

/**
 * Wrong passwords that one instance writes into the event log one by one. Above these, it writes sums. So a flood adds
 * about 40 rows a minute, half a million in the week for which they are kept, and one network leaves room for others.
 */
export const failureEventLimits: readonly RateLimit[] = [
  { name: 'failure-events-of-network', max: 5, windowSeconds: minute, perInstance: true },
  { name: 'failure-events', max: 30, windowSeconds: minute, perInstance: true }
]

/**
 * Wrong passwords, requests for resets and requests for confirmations are kept this long in the event log: they show an
 * attack, but strangers can cause any number.
 */
export const failureRetentionSeconds = 7 * 24 * hour

/**
 * Whether so many accounts in an hour, over all networks, are more than usual. Nobody is refused for it: no limit can
 * distinguish a flood from many addresses from a busy day. Below a hundred an hour, a person can look at each.
 */
export const isAboveUsual = (lastHour: number, usualPerHour: number) => lastHour > 100 && lastHour > 4 * usualPerHour

/**
 * Requests of one network to routes that hash a password, send mail or use a link, whatever the result. Routes with the
 * same limit share its count. These limits bound what else a request costs, such as a query to BREACHED_PASSWORDS_URL.
 * `/login` has no such limit: one client of a network could lock out all others.
 */
export const requestLimits = {
  register: { name: 'request-register', max: 120, windowSeconds: minute },
  password: { name: 'request-password', max: 60, windowSeconds: minute },
  reauthenticate: { name: 'request-reauthenticate', max: 60, windowSeconds: minute },
  account: { name: 'request-account', max: 60, windowSeconds: minute },
  forgot: { name: 'request-forgot', max: 30, windowSeconds: minute },
  reset: { name: 'request-reset', max: 30, windowSeconds: minute },
  confirm: { name: 'request-confirm', max: 30, windowSeconds: minute }
} as const satisfies Record<string, RateLimit>

/**
 * Mails that strangers can cause to be sent to one address, such as those of `POST /register`. Above the limit nothing
 * is sent, and the answer is the same. The person has three links already, and nobody can flood the mailbox.
 */
export const mailLimit: RateLimit = { name: 'mail', max: 3, windowSeconds: 30 * minute }

/**
 * Mails with a link for a new password to one address. They have a limit of their own: otherwise a stranger who
 * registers an address three times could keep its owner from setting a new password.
 */
export const resetMailLimit: RateLimit = { ...mailLimit, name: 'reset-mail' }

/**
 * The same requests for an address without an account, which cause no mail. Counted for the same answer and time, but
 * apart: otherwise they would use up the mails of the person who registers the address afterwards.
 */
export const noResetMailLimit: RateLimit = { ...mailLimit, name: 'no-reset-mail' }

/**
 * Mails of `POST /email` to one address. They have a limit of their own: otherwise strangers who ask for the address could
 * keep its owner from registering, and registrations of the address could keep its owner from changing to it.
 */
export const changeMailLimit: RateLimit = { ...mailLimit, name: 'change-mail' }

/** Mails by which a signed-in user confirms the address of the account. They count towards `mailLimit` too. */
export const verificationLimit: RateLimit = { name: 'verification-mail', max: 1, windowSeconds: minute }

/** Changes of the address that one user asks for: each sends a mail to an address that the user chooses. */
export const emailChangeLimit: RateLimit = { name: 'email-change', max: 5, windowSeconds: hour }

/**
 * Notices of one kind to one account. The database counts the mails of the account within the window that ends now. A
 * client that keeps no device token would flood its owner with mails about new devices, and a stranger who registers
 * another person's address could flood that person. So the count of an address that nobody has confirmed goes on when
 * its account is deleted. After ten mails of a kind the next one says nothing new.
 */
export const noticeLimits = {
  new_device: { max: 3, windowSeconds: 30 * minute },
  password_changed: { max: 10, windowSeconds: 30 * minute },
  theft_detected: { max: 10, windowSeconds: 30 * minute },
  account_disabled: { max: 10, windowSeconds: 30 * minute }
} as const satisfies Record<string, Omit<RateLimit, 'name'>>

/**
 * Wrong secrets of machine clients from one network. A secret has 256 random bits, so nobody guesses it: the limit bounds
 * the look-ups that strangers cause. Many machines behind one address can start at once, because right secrets do not
 * count.
 */
export const clientGuessLimit: RateLimit = { name: 'guess-client', max: 300, windowSeconds: minute }

/**
 * Tokens of one machine client: enough for a thousand machines that start at once. It bounds the load of a client that
 * requests a token for each call.
 */
export const clientTokenLimit: RateLimit = {
  name: 'client-token',
  max: 1000,
  windowSeconds: minute,
  perInstance: true
}

/**
 * Refreshes of one session: enough for ten tabs with F5 held down. The limit bounds the load of one client and protects no
 * secret, so it is not worth a shared counter's round trip at every refresh.
 */
export const refreshLimit: RateLimit = { name: 'refresh', max: 240, windowSeconds: minute, perInstance: true }
