/** Hashes passwords, a few at a time. */
export interface PasswordHasher {
  /** Throws `Unavailable` if the queue is full. Called before any I/O, so that a flood of logins costs none. */
  requireRoom(): Promise<void>
  /** Throws `Unavailable` if the queue is full. */
  hash(password: string): Promise<string>
  /** Whether `password` made `hash`. An undefined `hash` takes as long and gives false. Throws `Unavailable` if the queue is full. */
  verify(password: string, hash: string | undefined): Promise<boolean>
  /** Whether `hash` was made with weaker settings than today's, or by other software. */
  isOutdated(hash: string): boolean
}

/** Whether a password, in lower case, is among the most common ones. */
export type CommonPasswords = (lowerCase: string) => boolean

/** Whether a password is known to have leaked. Never throws: if the service is unreachable, no password counts as leaked. */
export type BreachedPasswords = (password: string) => Promise<boolean>
