package live

import (
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// listen makes the port in a one-liner's text one that accepts connections.
func listen(t testing.TB, command *exec.Cmd) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // a test's listener
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close() // nothing was sent
		}
	}()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	for i, arg := range command.Args {
		arg = strings.ReplaceAll(arg, "127.0.0.1/9", "127.0.0.1/"+port)
		command.Args[i] = strings.ReplaceAll(arg, `"127.0.0.1", 9`, `"127.0.0.1", `+port)
	}
}
