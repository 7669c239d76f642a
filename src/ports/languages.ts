/** The languages of mails and of the account page: those of the package, and those of `MAIL_TEMPLATES`. */
export interface Languages {
  /** Their tags (RFC 5646). */
  readonly tags: readonly string[]
  /** The words of the account page, complete. Undefined if there is no language with exactly this tag. */
  pageWords(tag: string): Readonly<Record<string, string>> | undefined
}
