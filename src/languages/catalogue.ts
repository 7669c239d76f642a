import type { MailKind } from '../core/mail.js'
import type { PageWords } from './english-page.js'

/** The text of one mail. `{name}` stands for a parameter of the kind, for `link` or for `account_url`. */
interface MailText {
  readonly subject: string
  readonly paragraphs: readonly string[]
  /** The words on the button that leads to the link, if the mail has one. */
  readonly button?: string
}

/** All words in one language. */
export interface Catalogue {
  /** Stands for a parameter that is not known. */
  readonly unknown: string
  readonly mails: Readonly<Record<MailKind, MailText>>
  readonly page: PageWords
}

/** Languages by their tag (RFC 5646), such as `de` or `pt-BR`. */
export type Catalogues = ReadonlyMap<string, Catalogue>
