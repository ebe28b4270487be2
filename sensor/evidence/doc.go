// Package evidence gathers, at the moment of an alert, what an analyst would look
// for minutes later when it may be gone: the tree of processes, the executable,
// sockets and listeners, sessions, the container, and whether the executable ever
// connected before.
//
// It works off the event path and best effort. Every part says when it was read
// and what could not be read; nothing that hangs holds up the rest.
package evidence
