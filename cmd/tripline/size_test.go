package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxSize is how large the program for amd64 may be, in bytes. What makes it grow at
// once by megabytes is mostly reflection that finds methods by name, as text/template
// does: the linker then keeps every exported method of every type. "go build
// -ldflags=-dumpdep" shows it as <ReflectMethod>.
const maxSize = 12_000_000

// TestSize builds the program as the packages have it.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program anew, which takes a while: run it without -short")
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^TAGS\s*:=\s*(\S+)$`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("the Makefile names no tags")
	}
	packages, err := os.ReadFile("../../packaging/build.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(packages), " -tags "+string(found[1])+" ") {
		t.Errorf("the packages are not built with the tags of the Makefile, %s", found[1])
	}
	program := filepath.Join(t.TempDir(), "tripline")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", string(found[1]),
		"-ldflags", "-s -w -buildid=", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %d bytes", info.Size())
	if info.Size() > maxSize {
		t.Errorf("the program has %d bytes, %d more than it may", info.Size(), info.Size()-maxSize)
	}
}
