import { createAuthClient } from 'latchkey/client'

const auth = createAuthClient({ baseURL: 'http://localhost:3000' })
const form = document.querySelector('form')
const output = document.querySelector('output')

form.onsubmit = (event) => {
  event.preventDefault()
  const person = { email: form.email.value, password: form.password.value, device: 'browser' }
  auth.login(person).catch((error) => output.append(error.message))
}
document.querySelector('#sign-out').onclick = () => auth.logout()

auth.onChange(async ({ status, reason = 'nobody is signed in' }) => {
  const me = status === 'signed_in' ? await auth.fetch('/me') : undefined
  output.textContent = me?.ok ? (await me.json()).email : reason
})
// Restores the session after a reload.
auth.getAccessToken().catch((error) => output.append(error.message))
