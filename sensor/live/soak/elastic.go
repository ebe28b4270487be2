package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// cluster stands for Elasticsearch: it creates documents by their ids with the bulk
// API, and answers 409 for those that are there already.
type cluster struct {
	*receiver
	got      *arrivals
	problems chan error

	mu  sync.Mutex
	ids map[string]struct{}
	// again is how many documents were sent that were there already.
	again int
}

func newCluster(problems chan error) (*cluster, error) {
	c := &cluster{got: newArrivals(), problems: problems, ids: make(map[string]struct{})}
	var err error
	c.receiver, err = newReceiver(c.talk)
	return c, err
}

// errCut says that a connection ended within a request.
var errCut = errors.New("the connection ended within a request")

// talk answers the requests of a connection one after another.
func (c *cluster) talk(connection net.Conn) {
	from := bufio.NewReader(connection)
	for {
		request, err := http.ReadRequest(from)
		if err != nil {
			return // the end, or a reset
		}
		text, err := c.answer(request)
		if err != nil {
			if !errors.Is(err, errCut) {
				tell(c.problems, err)
			}
			return
		}
		response := http.Response{
			StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(text)),
			Body: io.NopCloser(bytes.NewReader(text)),
		}
		if err := response.Write(connection); err != nil {
			return
		}
	}
}

// answer creates the documents of a request.
func (c *cluster) answer(request *http.Request) ([]byte, error) {
	defer request.Body.Close() //nolint:errcheck // only read
	from := io.Reader(request.Body)
	if request.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("a bulk request: %w", err)
		}
		from = unpacked
	}
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, errCut
	}
	type item map[string]map[string]int
	answer := struct {
		Errors bool   `json:"errors"`
		Items  []item `json:"items"`
	}{Items: []item{}}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'})
	for i := 0; i+1 < len(lines); i += 2 {
		status, err := c.create(lines[i], lines[i+1])
		if err != nil {
			return nil, err
		}
		answer.Errors = answer.Errors || status != http.StatusCreated
		answer.Items = append(answer.Items, item{"create": {"status": status}})
	}
	return json.Marshal(answer)
}

// create makes one document and says with which status.
func (c *cluster) create(line, document []byte) (int, error) {
	var action struct {
		Create struct {
			ID string `json:"_id"`
		} `json:"create"`
	}
	if err := json.Unmarshal(line, &action); err != nil || action.Create.ID == "" {
		return 0, fmt.Errorf("a bulk request has the action %.80q", line)
	}
	c.mu.Lock()
	_, there := c.ids[action.Create.ID]
	c.ids[action.Create.ID] = struct{}{}
	if there {
		c.again++
	}
	c.mu.Unlock()
	if there {
		return http.StatusConflict, nil
	}
	return http.StatusCreated, c.got.add(document)
}

// repeated is how many documents came that were there already.
func (c *cluster) repeated() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again
}
