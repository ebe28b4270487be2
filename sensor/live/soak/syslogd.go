package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// syslogServer receives syslog over TCP with octet counting (RFC 6587). What it
// read of a connection it keeps when the connection ends in order; one that it
// resets, because it goes away, leaves nothing behind. So each message that was
// kept was confirmed, and none else.
type syslogServer struct {
	*receiver
	got *arrivals
	// problems are messages that could not be read.
	problems chan error
}

func newSyslogServer(problems chan error) (*syslogServer, error) {
	s := &syslogServer{got: newArrivals(), problems: problems}
	var err error
	s.receiver, err = newReceiver(s.take)
	return s, err
}

// take reads the messages of a connection until it ends.
func (s *syslogServer) take(connection net.Conn) {
	var messages [][]byte
	from := bufio.NewReader(connection)
	for {
		message, err := readCounted(from)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return // reset, by either side; the sender sends again
		}
		messages = append(messages, message)
	}
	s.end(connection, func() {
		for _, message := range messages {
			if err := s.got.add(message); err != nil {
				tell(s.problems, err)
			}
		}
	})
}

// longestMessage bounds what a length may ask for.
const longestMessage = 1 << 20

var errSyslog = errors.New("this is no syslog message with octet counting")

// readCounted reads one message and returns the document in it. io.EOF says that
// there is none any more.
func readCounted(from *bufio.Reader) ([]byte, error) {
	text, err := from.ReadString(' ')
	if err != nil {
		if errors.Is(err, io.EOF) && text != "" {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	length, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || length <= 0 || length > longestMessage {
		return nil, fmt.Errorf("%w: length %q", errSyslog, text)
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(from, message); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	_, document, found := bytes.Cut(message, []byte(`"] {`))
	if !found {
		return nil, fmt.Errorf("%w: %.80q", errSyslog, message)
	}
	return append([]byte{'{'}, document...), nil
}

// tell reports a problem; those beyond what is waited for are like the first.
func tell(problems chan error, err error) {
	select {
	case problems <- err:
	default:
	}
}
