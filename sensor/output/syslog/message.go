package syslog

import (
	"strconv"
	"time"

	"tripline/sensor/output"
)

// Origin is what all messages of a sensor have in common.
type Origin struct {
	// Facility is the number of RFC 5424, section 6.2.1, from 0 to 23.
	Facility uint8
	// Hostname, Program and PID say who sends.
	Hostname, Program string
	PID               int
	// Version is that of the program, for the structured data "origin" of RFC
	// 5424, section 7.2.
	Version string
}

// The lengths of header fields that RFC 5424, section 6, allows.
const (
	maxHostname = 255
	maxProgram  = 48
)

// maxSequence is the largest number of a message; the next is 1 again (RFC 5424,
// section 7.3.1).
const maxSequence = 1<<31 - 1

// append appends a message. sequence numbers the messages from 1; a message that is
// sent again has the number that it had. There is no byte order mark before the
// document, which is UTF-8: receivers that read JSON do not expect one, and the RFC's
// MSG-ANY allows it.
func (o *Origin) append(dst []byte, d *output.Document, sequence uint64, body []byte) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendUint(dst, uint64(min(o.Facility, 23))<<3|uint64(min(d.Severity, 7)), 10)
	dst = append(dst, ">1 "...)
	if d.Time.IsZero() || d.Time.Year() < 0 || d.Time.Year() > 9999 {
		dst = append(dst, '-')
	} else {
		dst = d.Time.UTC().Round(time.Microsecond).AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}
	dst = append(dst, ' ')
	dst = appendName(dst, o.Hostname, maxHostname)
	dst = append(dst, ' ')
	dst = appendName(dst, o.Program, maxProgram)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(o.PID), 10)
	dst = append(dst, ' ')
	dst = append(dst, d.Kind.String()...)
	dst = append(dst, ` [origin software="`...)
	dst = appendValue(dst, o.Program)
	dst = append(dst, `" swVersion="`...)
	dst = appendValue(dst, o.Version)
	dst = append(dst, `"][meta sequenceId="`...)
	dst = strconv.AppendUint(dst, (sequence-1)%maxSequence+1, 10)
	dst = append(dst, `"] `...)
	return append(dst, body...)
}

// appendName appends a header field: what does not print in ASCII becomes an
// underscore, and nothing a dash.
func appendName(dst []byte, name string, longest int) []byte {
	if name == "" {
		return append(dst, '-')
	}
	for i := range min(len(name), longest) {
		if c := name[i]; c > ' ' && c < 0x7f {
			dst = append(dst, c)
		} else {
			dst = append(dst, '_')
		}
	}
	return dst
}

// appendValue appends the value of a parameter of structured data.
func appendValue(dst []byte, value string) []byte {
	for i := range len(value) {
		switch c := value[i]; c {
		case '"', '\\', ']':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
