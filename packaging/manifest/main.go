// Command manifest writes down what a built binary is made of: the licences of
// all modules in it, and a software bill of materials (CycloneDX). It takes the
// modules from the binary itself, so that nothing that is linked can be missing.
//
//	go list -deps -json=Dir,Standard,Module ./cmd/tripline |
//	    go run ./packaging/manifest -binary FILE -notices FILE -sbom FILE
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "", "the built `FILE`")
	flag.StringVar(&o.notices, "notices", "", "write the third-party notices to `FILE`")
	flag.StringVar(&o.sbom, "sbom", "", "write the bill of materials to `FILE`")
	flag.StringVar(&o.version, "version", "", "the version of the `PRODUCT`")
	flag.Int64Var(&o.epoch, "epoch", 0, "the time to write down, in `SECONDS` since 1970")
	flag.StringVar(&o.goroot, "goroot", "", "the `FOLDER` of Go, for its licence")
	flag.Parse()
	if err := o.run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "manifest:", err)
		os.Exit(1) //nolint:forbidigo // this is a program of its own
	}
}

// options are the command line.
type options struct {
	binary, notices, sbom, version, goroot string

	epoch int64
}

// run reads what go list said of the binary's packages and writes both files.
func (o *options) run(listed io.Reader) error {
	info, err := buildinfo.ReadFile(o.binary)
	if err != nil {
		return fmt.Errorf("reading what %s is built from: %w", o.binary, err)
	}
	packages, err := readPackages(listed)
	if err != nil {
		return err
	}
	parts := []part{{name: "Go's standard library and runtime", path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}}
	if parts[0].texts, err = licences(o.goroot, o.goroot); err != nil {
		return err
	}
	if len(parts[0].texts) == 0 {
		return fmt.Errorf("there is no licence of Go in %s", o.goroot)
	}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		one := part{name: module.Path, path: module.Path, version: module.Version, sum: module.Sum}
		if one.texts, err = packages.licences(module.Path); err != nil {
			return err
		}
		parts = append(parts, one)
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	arch := settings["GOARCH"]
	if arch == "" {
		arch = runtime.GOARCH
	}
	bill, err := billOfMaterials(product{version: o.version, arch: arch, time: time.Unix(o.epoch, 0).UTC()}, parts)
	if err != nil {
		return err
	}
	return errors.Join(write(o.notices, notices(parts)), write(o.sbom, bill))
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // everybody may read it
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// listedPackage is one package as go list says it.
type listedPackage struct {
	Dir      string
	Standard bool
	Module   *struct{ Path, Dir string }
}

// listedPackages are the folders of a binary's packages, by their module.
type listedPackages map[string][]listedPackage

func readPackages(from io.Reader) (listedPackages, error) {
	found := listedPackages{}
	for decoder := json.NewDecoder(from); ; {
		var one listedPackage
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what go list said: %w", err)
		}
		if one.Module != nil {
			found[one.Module.Path] = append(found[one.Module.Path], one)
		}
	}
}
