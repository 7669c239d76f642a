export interface PasswordHasher {
  /** Throws `Unavailable` where the queue is full: asked first, so that a flood costs no I/O. */
  requireRoom(): Promise<void>
  /** Throws `Unavailable` where the queue is full. */
  hash(password: string): Promise<string>
  /** Whether `password` is the one `hash` was made of; takes as long for an undefined `hash`, and then is false. */
  verify(password: string, hash: string | undefined): Promise<boolean>
  /** Whether `hash` was made by weaker settings than today's, or elsewhere. */
  isOutdated(hash: string): boolean
}

/** The list of passwords that too many people have. */
export type CommonPasswords = (lowerCase: string) => boolean

/** Whether a password is known to have leaked. Never throws: who cannot be asked knows of nothing. */
export type BreachedPasswords = (password: string) => Promise<boolean>
