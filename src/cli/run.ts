import { textTable } from '../core/text-table.js'
import { type Command, UsageError } from './command.js'
import { clientAddSecret, clientCreate, clientDelete, clientDeleteSecret, clientList } from './commands/client.js'
import { eventList } from './commands/event.js'
import { keyList, keyRotate } from './commands/key.js'
import { languageShow } from './commands/language.js'
import { mailList } from './commands/mail.js'
import { raceService } from './commands/race.js'
import { migrate, serve } from './commands/service.js'
import { sessionList, sessionRevoke, sessionRevokeAll } from './commands/session.js'
import {
  userCreate,
  userDisable,
  userEnable,
  userInvite,
  userList,
  userResetPassword,
  userSetRoles
} from './commands/user.js'
import { userSetAttributes, userShow } from './commands/user-documents.js'
import type { Context } from './context.js'
import { explain } from './explain.js'
import { printError } from './output.js'

export const commands: readonly Command[] = [
  serve,
  migrate,
  userCreate,
  userInvite,
  userList,
  userShow,
  userDisable,
  userEnable,
  userSetRoles,
  userSetAttributes,
  userResetPassword,
  sessionList,
  sessionRevoke,
  sessionRevokeAll,
  clientCreate,
  clientList,
  clientAddSecret,
  clientDeleteSecret,
  clientDelete,
  keyList,
  keyRotate,
  eventList,
  languageShow,
  mailList,
  raceService
]

/** 0: done. 1: failed. 2: the command line is not valid. */
export type ExitCode = 0 | 1 | 2

/** Runs the command that `words` name, and prints its result or its error to the terminal. Never throws. */
export async function run(words: readonly string[], context: Context): Promise<ExitCode> {
  const { stdout, stderr } = context.terminal
  const command = commands.find(({ name }) => name.split(' ').every((word, i) => words[i] === word))
  if (command === undefined) {
    const wantsHelp = words.some((word) => word === '--help' || word === 'help')
    const stream = wantsHelp ? stdout : stderr
    stream.write(overview(words[0]))
    return wantsHelp ? 0 : 2
  }

  const rest = words.slice(command.name.split(' ').length)
  if (rest.includes('--help')) {
    stdout.write(command.help)
    return 0
  }
  try {
    await command.run(rest, context)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      printError(context.terminal, `${error.message}\n\n${command.help.trimEnd()}`)
      return 2
    }
    printError(context.terminal, explain(error))
    return 1
  }
}

/** Lists the commands of a group, such as `user`, or all commands. */
function overview(group: string | undefined): string {
  const ofGroup = commands.filter(({ name }) => name.startsWith(`${group} `))
  const shown = ofGroup.length > 0 ? ofGroup : commands
  const lines = textTable(shown.map(({ name, summary }) => [`  latchkey ${name}`, summary]))
  return [...lines, '', 'Add --help to a command for its options. Settings are environment variables.', ''].join('\n')
}
