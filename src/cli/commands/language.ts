import { shipped } from '../../languages/shipped.js'
import { defineCommand, UsageError } from '../command.js'

const tags = [...shipped.keys()]

export const languageShow = defineCommand({
  name: 'language show',
  summary: 'Print the words of mails and of the account page as JSON.',
  details: `The languages are ${tags.join(' and ')}. The output is a file for MAIL_TEMPLATES (docs/mail-templates.md).`,
  operands: ['LOCALE'],
  async run({ operands: { LOCALE: tag } }, { terminal }) {
    const words = shipped.get(tag)
    if (words === undefined) throw new UsageError(`There is no language ${tag}. Known: ${tags.join(', ')}.`)
    terminal.stdout.write(`${JSON.stringify(words, undefined, 2)}\n`)
  }
})
