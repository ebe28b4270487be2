package controlsocket

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
)

// maxRequest bounds the bytes of a request.
const maxRequest = 8 << 10

// answer reads one request and answers it. The connection is closed after it. A
// whole net/http.Server would add half a megabyte to the program, for connections
// that stay and for TLS, which nobody needs here.
func (s *Server) answer(ctx context.Context, connection io.ReadWriter) error {
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(connection, maxRequest)))
	if err != nil {
		return s.respond(connection, http.StatusBadRequest, plain("this is no request of HTTP: "+err.Error()))
	}
	resource, known := s.options.Resources[request.URL.Path]
	switch {
	case !known:
		return s.respond(connection, http.StatusNotFound, plain("there is no such resource here; tripline status --help"))
	case request.Method != http.MethodGet:
		return s.respond(connection, http.StatusMethodNotAllowed, plain("only GET can be asked for"))
	}
	made, err := ask(ctx, resource)
	if err != nil {
		return s.respond(connection, http.StatusInternalServerError, plain(err.Error()))
	}
	return s.respond(connection, http.StatusOK, made)
}

// plain is an answer in a sentence.
func plain(text string) Answer {
	return Answer{ContentType: "text/plain; charset=utf-8", Body: []byte(strings.ToValidUTF8(text, "\uFFFD") + "\n")}
}

// ask makes an error of a panic.
func ask(ctx context.Context, resource Resource) (made Answer, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("internal error, please report it: %v\n%s", reason, debug.Stack())
		}
	}()
	return resource(ctx)
}

// respond writes an answer.
func (s *Server) respond(to io.Writer, code int, made Answer) error {
	response := http.Response{
		StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Header:        http.Header{"Content-Type": {made.ContentType}},
		ContentLength: int64(len(made.Body)), Body: io.NopCloser(bytes.NewReader(made.Body)),
	}
	if code == http.StatusMethodNotAllowed {
		response.Header.Set("Allow", http.MethodGet)
	}
	return response.Write(to)
}
