package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// goTool runs the go command in the repository's root.
func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir = filepath.Join("..", "..")
	var failures bytes.Buffer
	command.Stderr = &failures
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, failures.String())
	}
	return out
}

// TestProduct makes both files for the sensor as it is built: every module in it
// must be in both, with a licence that is known.
func TestProduct(t *testing.T) {
	folder := t.TempDir()
	binary := filepath.Join(folder, "tripline")
	goTool(t, "build", "-o", binary, "./cmd/tripline")
	listed := goTool(t, "list", "-deps", "-json=Dir,Standard,Module", "./cmd/tripline")
	o := options{
		binary: binary, notices: filepath.Join(folder, "n", "NOTICES"), sbom: filepath.Join(folder, "s", "sbom.json"),
		version: "1.2.3", epoch: 1_700_000_000, goroot: strings.TrimSpace(string(goTool(t, "env", "GOROOT"))),
	}
	if err := o.run(bytes.NewReader(listed)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.notices)
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(o.sbom)
	if err != nil {
		t.Fatal(err)
	}
	var made bill
	if err := json.Unmarshal(written, &made); err != nil {
		t.Fatal(err)
	}
	byName := map[string]component{}
	for _, one := range made.Components {
		byName[one.Name] = one
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 5 || len(made.Components) != len(info.Deps)+1 {
		t.Errorf("%d components for %d modules and Go", len(made.Components), len(info.Deps))
	}
	for _, module := range info.Deps {
		if !strings.Contains(string(text), "\n"+module.Path+" "+module.Version+": ") {
			t.Errorf("the notices have no licence of %s", module.Path)
		}
		one := byName[module.Path]
		if one.Version != module.Version || len(one.Licenses) == 0 {
			t.Errorf("the bill of materials has %+v for %s %s", one, module.Path, module.Version)
		}
	}
	if len(byName["std"].Licenses) == 0 {
		t.Error("the bill of materials has no licence of Go")
	}

	// Without one module's packages nothing must be written as if it were whole.
	var without bytes.Buffer
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var one listedPackage
		if decoder.Decode(&one) != nil {
			break
		}
		if one.Module == nil || one.Module.Path != "github.com/spf13/pflag" {
			if err := json.NewEncoder(&without).Encode(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := o.run(&without); err == nil || !strings.Contains(err.Error(), "github.com/spf13/pflag") {
		t.Errorf("a module that is not listed gives %v", err)
	}
}

func TestModuleWithoutLicence(t *testing.T) {
	module := t.TempDir()
	inner := filepath.Join(module, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	listed := listedPackages{"m": {{Dir: inner, Module: &struct{ Path, Dir string }{"m", module}}}}
	if err := os.WriteFile(filepath.Join(module, "license.go"), []byte("package m"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := listed.licences("m"); err == nil {
		t.Errorf("found %v where there is none", found)
	}
	for _, name := range []string{"LICENSE", filepath.Join("a", "COPYING.txt"), filepath.Join("a", "b", "Notice")} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := listed.licences("m")
	if err != nil || len(found) != 3 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestBillIsTheSameEachTime(t *testing.T) {
	parts := []part{{path: "example.org/a", version: "v1.0.0", sum: "h1:x", texts: []licence{{"LICENSE", []byte("Permission is hereby\ngranted, free of charge")}}}}
	render := func(version string) string {
		text, err := billOfMaterials(product{version: version, arch: "386", time: time.Unix(0, 0).UTC()}, parts)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first, again, other := render("1"), render("1"), render("2")
	if first != again {
		t.Error("two bills of the same parts differ")
	}
	number := func(text string) string {
		var made bill
		if err := json.Unmarshal([]byte(text), &made); err != nil {
			t.Fatal(err)
		}
		return made.Serial
	}
	if number(first) == number(other) || len(number(first)) != len("urn:uuid:00000000-0000-0000-0000-000000000000") {
		t.Errorf("the numbers are %s and %s", number(first), number(other))
	}
	if !strings.Contains(first, `"id": "MIT"`) || !strings.Contains(first, `"purl": "pkg:golang/example.org/a@v1.0.0"`) {
		t.Errorf("the bill is %s", first)
	}
}
