// Package syslog sends documents as syslog messages in the form of RFC 5424: to
// a Unix socket, over UDP (RFC 5426), over TCP (RFC 6587, with octet counting) and
// over TLS (RFC 5425).
package syslog
