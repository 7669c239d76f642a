import type { MailKind } from '../core/mail.js'
import type { PageWords } from './english-page.js'

/** The text of one mail. `{name}` stands for a value; docs/mail-templates.md lists the names. */
export interface MailText {
  readonly subject: string
  /** In order. `{button}` and `{details}` are whole paragraphs. The first paragraph is also the preview. */
  readonly paragraphs: readonly string[]
  /** The words on the button. It leads to the link of the mail, or to the account page. */
  readonly button?: string
  /** Rows that say what happened, each with a name and a value. A row whose values are all unknown is left out. */
  readonly details?: Readonly<Record<string, string>>
}

/** Words that all mails of a language share. */
export interface MailWords {
  /** In place of a value that is not known. */
  readonly unknown: string
  /** The browser `{browser}` on the operating system `{system}`. */
  readonly browser_on_system: string
  /** Above the bare link below a button, for programs that show no button. */
  readonly bare_link: string
  /** The end of each mail. */
  readonly footer: string
}

/** All words in one language. */
export interface Catalogue {
  readonly words: MailWords
  readonly mails: Readonly<Record<MailKind, MailText>>
  readonly page: PageWords
  /** For each mail that this language lacks, the language in which it is sent. */
  readonly borrowed?: Readonly<Partial<Record<MailKind, string>>>
}

/** Languages by their tag (RFC 5646), such as `de` or `pt-BR`. */
export type Catalogues = ReadonlyMap<string, Catalogue>
