import { readEmail } from '../../core/email.js'
import { hasPassword } from '../../core/password-policy.js'
import { localePattern, rolePattern } from '../../core/vocabulary.js'
import { commandLine } from '../../ports/events.js'
import type { User } from '../../ports/users.js'
import { createUser } from '../../service/admin/create-user.js'
import { createInvitedUser, inviteAgain } from '../../service/admin/invite-user.js'
import { listUsers } from '../../service/admin/listings.js'
import { updateUser } from '../../service/admin/update-user.js'
import { startReset } from '../../service/recovery/start-reset.js'
import { defineCommand, UsageError } from '../command.js'
import { type Context, withPorts } from '../context.js'
import { findUserId } from '../ids.js'
import { type Columns, jsonOption, printDone, printOne, printPage, type Style, time, toObject } from '../output.js'
import { pagingOptions, readPage, readPaging } from '../paging.js'
import { readPassword } from '../read-password.js'

const columns: Columns<User> = {
  id: (user) => user.id,
  email: (user) => user.email,
  external_id: (user) => user.externalId,
  roles: (user) => user.roles,
  disabled: (user) => user.disabled,
  created_at: (user) => time(user.createdAt)
}

export const userCreate = defineCommand({
  name: 'user create',
  summary: 'Create an account.',
  details: 'Asks for the password without echo, or reads it from standard input if that is a pipe.',
  options: { role: { type: 'string', multiple: true, summary: 'A role, such as admin.' }, ...jsonOption },
  operands: ['EMAIL'],
  async run({ options, operands }, context) {
    const roles = requireRoles(options.role ?? [])
    const password = await readPassword(context.terminal)
    await withPorts(context, async (ports) => {
      const user = await createUser(ports, { email: operands.EMAIL, password, roles }, commandLine)
      printOne(context.terminal, options, columns, user)
    })
  }
})

export const userList = defineCommand({
  name: 'user list',
  summary: 'List accounts, newest first.',
  options: {
    email: { type: 'string', summary: 'Only accounts whose e-mail address starts with this.' },
    ...pagingOptions,
    ...jsonOption
  },
  async run({ options }, context) {
    const paging = readPaging(options)
    await withPorts(context, async (ports) => {
      const page = await readPage(listUsers(ports, { email: options.email }, paging))
      printPage(context.terminal, options, 'users', columns, page)
    })
  }
})

export const userDisable = defineCommand({
  name: 'user disable',
  summary: 'Disable an account and end all its sessions. USER is an id or an e-mail address.',
  options: jsonOption,
  operands: ['USER'],
  run: ({ options, operands }, context) => change(context, options, operands.USER, { disabled: true })
})

export const userEnable = defineCommand({
  name: 'user enable',
  summary: 'Let a disabled account log in again. USER is an id or an e-mail address.',
  options: jsonOption,
  operands: ['USER'],
  run: ({ options, operands }, context) => change(context, options, operands.USER, { disabled: false })
})

export const userSetRoles = defineCommand({
  name: 'user set-roles',
  summary: 'Set the roles of an account, replacing all others. USER is an id or an e-mail address.',
  options: jsonOption,
  operands: ['USER'],
  rest: 'ROLE',
  run: ({ options, operands, rest }, context) => change(context, options, operands.USER, { roles: requireRoles(rest) })
})

export const userResetPassword = defineCommand({
  name: 'user reset-password',
  summary: 'Print a one-time link by which a person sets a new password. USER is an id or an e-mail address.',
  details: 'Hand the link over in a way that only this person can read. It works once, for 30 minutes.',
  options: {
    'end-sessions': { type: 'boolean', summary: 'Also end all sessions, and remove the old password.' },
    note: { type: 'string', summary: 'Why, for the event log.' },
    ...jsonOption
  },
  operands: ['USER'],
  async run({ options, operands }, context) {
    await withPorts(context, async (ports) => {
      const id = await findUserId(ports, operands.USER)
      const endSessions = options['end-sessions'] ?? false
      const reset = { deliver: 'link', endSessions, note: options.note } as const
      const { url, expiresAt } = await startReset(ports, id, reset, commandLine)
      printDone(context.terminal, options, String(url), { link: url, expires_at: time(expiresAt) })
    })
  }
})

export const userInvite = defineCommand({
  name: 'user invite',
  summary: 'Invite a person: create an account without a password, or send another link to one.',
  details:
    'Mails a link by which the person sets a password. Without mail, or with --link, prints it instead: hand it over in a way that only this person can read. It works once, for 7 days.',
  options: {
    role: { type: 'string', multiple: true, summary: 'A role of the new account, such as admin.' },
    locale: { type: 'string', summary: 'The language of mails to the new account, such as de.' },
    link: { type: 'boolean', summary: 'Print the link instead of mailing it.' },
    ...jsonOption
  },
  operands: ['EMAIL'],
  async run({ options, operands }, context) {
    const { role: roles, locale, link = false } = options
    const account = { email: operands.EMAIL, roles: requireRoles(roles ?? []), locale: requireLocale(locale) }
    await withPorts(context, async (ports) => {
      const email = readEmail(operands.EMAIL)
      const known = email && (await ports.users.findByEmail(email))
      const invite = ports.mail.isConfigured && !link ? 'mail' : 'link'
      const { user, url } = await (known === undefined || known.awaitsConfirmation || hasPassword(known.passwordHash)
        ? createInvitedUser(ports, { ...account, invite }, commandLine)
        : inviteAgain(ports, withoutChanges(known, [roles, locale]), invite, commandLine))
      const sentence = url ?? `An invitation to ${user.email} is on its way.`
      printDone(context.terminal, options, sentence, { user: toObject(columns, user), ...(url && { link: url }) })
    })
  }
})

/** Refuses `changes`, because inviting again does not change the account. */
function withoutChanges<Known>(user: Known, changes: readonly unknown[]): Known {
  if (changes.every((change) => change === undefined)) return user
  throw new UsageError('--role and --locale are for new accounts, and this account exists already.')
}

type Changes = Parameters<typeof updateUser>[2]

function change(context: Context, style: Style, userText: string, changes: Changes): Promise<void> {
  return withPorts(context, async (ports) => {
    const id = await findUserId(ports, userText)
    printOne(context.terminal, style, columns, await updateUser(ports, id, changes, commandLine))
  })
}

/** Refuses a role such as `Admin`: it would be created and give no access. */
function requireRoles(roles: readonly string[]): readonly string[] {
  const invalid = roles.find((role) => !new RegExp(rolePattern).test(role))
  if (invalid === undefined) return [...new Set(roles)]
  throw new UsageError(
    `"${invalid}" is not a role. A role starts with a lower-case letter and has lower-case letters, digits, _ and -.`
  )
}

function requireLocale(locale: string | undefined): string | undefined {
  if (locale === undefined || new RegExp(localePattern).test(locale)) return locale
  throw new UsageError(`"${locale}" is not a language tag, such as de or pt-BR.`)
}
