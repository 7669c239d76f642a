/** Where a password to be hashed comes from. */
export interface PasswordSource {
  /** The client's network. No network can use up the queue that all of them share. */
  readonly network: string
  /** Whether the client has proved that it has signed in to the account before. */
  readonly knownDevice: boolean
}

/** Hashes passwords, a few at a time. Each call that needs the queue throws `Unavailable` if there is no room for its source. */
export interface PasswordHasher {
  /**
   * Throws as `hash` would now. Called before any I/O, so that a flood of logins costs none. It reserves no place: if
   * another password takes it meanwhile, `hash` throws, and the caller gives back what it counted.
   */
  requireRoom(source: PasswordSource): Promise<void>
  hash(password: string, source: PasswordSource): Promise<string>
  /** Whether `password` made `hash`. An undefined `hash` takes as long and gives false. */
  verify(password: string, hash: string | undefined, source: PasswordSource): Promise<boolean>
  /** Whether `hash` was made with weaker settings than today's, or by other software. */
  isOutdated(hash: string): boolean
}

/** Whether a password, in lower case, is among the most common ones. */
export type CommonPasswords = (lowerCase: string) => boolean

/** Whether a password is known to have leaked. Never throws: if the service is unreachable, no password counts as leaked. */
export type BreachedPasswords = (password: string) => Promise<boolean>
