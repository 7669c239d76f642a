import { byId } from './dom.js'

/** Says why the value of a field was refused, in the element `#ID-fault`, and moves the focus to the field. */
export function showFault(field: HTMLInputElement, text: string): void {
  byId(`${field.id}-fault`, HTMLParagraphElement).textContent = text
  field.ariaInvalid = 'true'
  field.select()
}

/** Removes what `showFault` has shown in a form. */
export function clearFaults(form: HTMLFormElement): void {
  for (const fault of form.querySelectorAll('.fault')) fault.textContent = ''
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid')
}
