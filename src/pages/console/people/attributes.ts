import { AuthError } from '../../../client/index.js'
import { type EditFault, patchBetween, readEdited } from '../../../core/document-edit.js'
import { client, request } from '../../shared/connection.js'
import { byId } from '../../shared/dom.js'
import type { User } from '../../shared/responses.js'
import { onSubmit, showStatus } from '../../shared/status.js'
import { problemWords } from '../../shared/words/problem-words.js'
import { personName } from './person-name.js'

const dialog = byId('attributes-dialog', HTMLDialogElement)
const form = byId('attributes-form', HTMLFormElement)
const title = byId('attributes-title', HTMLHeadingElement)
const field = byId('attributes-text', HTMLTextAreaElement)
const fault = byId('attributes-fault', HTMLParagraphElement)
const cancel = byId('attributes-cancel', HTMLButtonElement)

type Attributes = User['attributes']

interface Editing {
  readonly user: User
  /** The attributes when the dialog opened, and the same as text. */
  readonly before: Attributes
  readonly text: string
  /** The attributes as the server returned them last. */
  known: Attributes
}

let editing: Editing | undefined

/** JSON for people to read. */
export const readable = (document: Attributes): string => JSON.stringify(document, null, 2)

/** Opens the dialog. It saves only members that differ, so those that another admin changes meanwhile stay. */
export function editAttributes(user: User): void {
  const { attributes } = user
  editing = { user, before: attributes, text: readable(attributes), known: attributes }
  title.textContent = `Attributes of ${personName(user)}`
  field.value = editing.text
  showFault('')
  dialog.showModal()
  field.focus()
  field.setSelectionRange(0, 0)
}

/** Connects the dialog. `afterChange` runs after the attributes were changed. */
export function prepareAttributes(afterChange: () => Promise<void>): void {
  onSubmit(form, async () => {
    if (editing === undefined) return
    const { user } = editing
    showFault('')
    const refusal = await save(editing, field.value).catch(faultWords)
    // The session may have ended meanwhile, which closes the dialog.
    if (!dialog.open) return
    if (refusal !== undefined) return showFault(refusal)
    dialog.close()
    await afterChange()
    showStatus(`The attributes of ${personName(user)} are saved.`)
  })
  cancel.addEventListener('click', () => dialog.close())
  dialog.addEventListener('cancel', (event) => {
    if (field.value === editing?.text) return
    event.preventDefault()
    showFault('This is not saved yet. Save it, or press Cancel to discard it.')
  })
  dialog.addEventListener('close', () => {
    editing = undefined
    field.value = ''
  })
  // The next user of this screen must not find the text.
  client.onChange(({ status }) => {
    if (status === 'signed_out') dialog.close()
  })
}

/** Saves the text. Resolves to a sentence that says why it did not; undefined if it did. */
async function save(editing: Editing, text: string): Promise<string | undefined> {
  const { document: typed, fault: mistake } = readEdited(text)
  if (typed === undefined) return sentenceOf(mistake)
  const path = `admin/users/${editing.user.id}`
  const patch = patchBetween(editing.before, typed)
  const { attributes: now } = await request<User>('GET', path)
  const changedByOthers = Object.keys(patchBetween(editing.known, now))
  const both = changedByOthers.filter((name) => Object.hasOwn(patch, name))
  editing.known = now
  const [name] = both
  if (name !== undefined) return conflictWords(name, now[name])
  await request('PATCH', path, { attributes: patch })
  return undefined
}

/** The longest value that a sentence shows, as JSON. */
const maxShownLength = 100

function conflictWords(name: string, value: unknown): string {
  const json = JSON.stringify(value)
  const others =
    json === undefined ? `removed “${name}”` : `changed “${name}”${json.length > maxShownLength ? '' : ` to ${json}`}`
  return `Somebody else has ${others} meanwhile. Save again to replace that.`
}

function faultWords(error: unknown): string {
  const [found] = error instanceof AuthError && error.code === 'invalid_request' ? (error.errors ?? []) : []
  return found === undefined ? problemWords(error) : sentenceOf(found)
}

function sentenceOf({ field: name, message }: EditFault): string {
  if (name === '__proto__') return 'No member can have the name __proto__.'
  const isOfAll = name === undefined || name === 'attributes' || name === 'body'
  return `${isOfAll ? 'This' : `“${name}”`} ${message}.`
}

function showFault(text: string): void {
  fault.textContent = text
  field.ariaInvalid = text === '' ? null : 'true'
  if (text !== '') field.focus()
}
