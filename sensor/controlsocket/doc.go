// Package controlsocket lets root ask a running sensor how it is: HTTP over a Unix
// socket. Its server and its client know nothing of what is asked for.
package controlsocket
