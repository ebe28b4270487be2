package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/normalize"
	"tripline/sensor/alertlog"
)

// key is one that is the same in every run.
func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// write makes a file in a folder of the test.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const alerts = `{"@timestamp":"2026-11-25T00:10:00Z","rule":{"id":"r-1"},"tripline":{"alert":{"id":"aa","sequence":[{"@timestamp":"2026-11-25T00:09:30Z"},null]}}}
{"@timestamp":"2026-11-25T00:10:01Z","event":{"kind":"enrichment"},"tripline":{"alert":{"id":"aa","evidence":{"took_ms":3}}}}
{"@timestamp":"2026-11-25T02:00:00Z","rule":{"id":"../odd"},"tripline":{"alert":{"id":"bb","sequence":[]}}}
`

// export makes an archive.
func export(t *testing.T, signer ed25519.PrivateKey) ([]byte, *Manifest) {
	t.Helper()
	reader, err := alertlog.NewReader(alertlog.Filter{}, nil, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	var events strings.Builder
	for _, at := range []string{"00:08:29", "00:08:30", "00:09:45", "00:11:00", "00:11:01", "01:59:30", "02:02:00"} {
		fmt.Fprintf(&events, `{"@timestamp":"2026-11-25T%sZ"}`+"\n", at)
	}
	var out bytes.Buffer
	manifest, err := Export(t.Context(), &out, &Options{
		Alerts: reader, AlertFiles: []string{write(t, "alerts", alerts)}, EventFiles: []string{write(t, "events", events.String())},
		Around: time.Minute, Host: &normalize.HostFacts{Hostname: "web1"}, Rules: map[string][]byte{"r-1": []byte("[rule]\n"), "r-2": []byte("x")},
		Key: signer, Made: time.Date(2026, 11, 25, 3, 0, 0, 5, time.UTC), Temporary: t.TempDir(), Report: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), manifest
}

func TestExport(t *testing.T) {
	archive, manifest := export(t, key(1))
	if manifest.Alerts != 2 || manifest.Events != 4 || manifest.Rules != 1 || len(manifest.Notes) != 1 || !strings.Contains(manifest.Notes[0], "../odd") {
		t.Errorf("%+v", manifest)
	}
	if again, _ := export(t, key(1)); !bytes.Equal(again, archive) {
		t.Error("the same content gives another archive")
	}
	found, err := Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if found.Trusted || len(found.Files) != 8 || found.Fingerprint != manifest.Fingerprint || found.Manifest.Alerts != 2 {
		t.Errorf("%+v", found)
	}
	found, err = Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{Key: key(1).Public().(ed25519.PublicKey)})
	if err != nil || !found.Trusted {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{Key: key(2).Public().(ed25519.PublicKey)})
	if err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("%v", err)
	}
	for _, entry := range entries(t, archive) {
		if entry.header.Name == folder+"/"+nameAlerts && !strings.Contains(entry.content, `"evidence":{"took_ms":3}`) {
			t.Errorf("the evidence is not joined: %s", entry.content)
		}
	}
}

// entry is one file of a tar archive.
type entry struct {
	header  *tar.Header
	content string
}

func entries(t *testing.T, archive []byte) (all []entry) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	in := tar.NewReader(unzipped)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{header, string(content)})
	}
}

func pack(t *testing.T, all []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	to := tar.NewWriter(zipped)
	for _, one := range all {
		one.header.Size = int64(len(one.content))
		if err := to.WriteHeader(one.header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, one.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestVerifyRefuses changes a good archive in every way that matters.
func TestVerifyRefuses(t *testing.T) {
	good, _ := export(t, key(1))
	file := func(name, content string) entry {
		return entry{&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}, content}
	}
	change := func(name string, edit func(string) string) func([]entry) []entry {
		return func(all []entry) []entry {
			for i := range all {
				if all[i].header.Name == folder+"/"+name {
					all[i].content = edit(all[i].content)
				}
			}
			return all
		}
	}
	for _, test := range []struct {
		name string
		edit func([]entry) []entry
		want string
	}{
		{"an alert changed", change(nameAlerts, func(s string) string { return strings.Replace(s, "aa", "ab", 1) }), "alerts.ndjson was changed"},
		{"digests changed too", change(nameSums, func(s string) string { return strings.Replace(s, "a", "b", 1) }), "the signature is wrong"},
		{"signature cut", change(nameSignature, func(s string) string { return s[:10] }), "the signature is wrong"},
		{"key replaced", change(namePublicKey, func(string) string {
			other, err := encodePublic(key(2).Public().(ed25519.PublicKey))
			if err != nil {
				t.Fatal(err)
			}
			return string(other)
		}), "the signature is wrong"},
		{"no key", change(namePublicKey, func(string) string { return "x" }), "is no public key"},
		{"a file removed", func(all []entry) []entry { return append(all[:3:3], all[4:]...) }, "events.ndjson is missing"},
		{"alerts removed", func(all []entry) []entry { return append(all[:2:2], all[3:]...) }, "no alerts.ndjson"},
		{"a file added", func(all []entry) []entry { return append(all, file(folder+"/more", "x")) }, "more was added"},
		{"twice", func(all []entry) []entry { return append(all, file(folder+"/"+nameAlerts, "x")) }, "twice"},
		{"out of the folder", func(all []entry) []entry { return append(all, file(folder+"/../../etc/passwd", "x")) }, "is none that an export has"},
		{"absolute", func(all []entry) []entry { return append(all, file("/etc/passwd", "x")) }, "is none that an export has"},
		{"deep", func(all []entry) []entry { return append(all, file(folder+"/a/b/c", "x")) }, "is none that an export has"},
		{"hidden", func(all []entry) []entry { return append(all, file(folder+"/.ssh", "x")) }, "is none that an export has"},
		{"link", func(all []entry) []entry {
			return append(all, entry{&tar.Header{Typeflag: tar.TypeSymlink, Name: folder + "/l", Linkname: "/etc/passwd"}, ""})
		}, "is no file"},
		{"hard link", func(all []entry) []entry {
			return append(all, entry{&tar.Header{Typeflag: tar.TypeLink, Name: folder + "/l", Linkname: "/etc/passwd"}, ""})
		}, "is no file"},
		{"device", func(all []entry) []entry {
			return append(all, entry{&tar.Header{Typeflag: tar.TypeChar, Name: folder + "/d"}, ""})
		}, "is no file"},
		{"too large", func(all []entry) []entry { return append(all, file(folder+"/big", strings.Repeat("x", 2<<20))) }, "larger than 1048576"},
	} {
		t.Run(test.name, func(t *testing.T) {
			archive := pack(t, test.edit(entries(t, good)))
			if _, err := Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{MaxBytes: 1 << 20}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
	for name, archive := range map[string][]byte{
		"text behind it": append(bytes.Clone(good), "x"...), "an archive behind it": append(bytes.Clone(good), good...),
		"cut": good[:len(good)/2], "cut at the end": good[:len(good)-4], "empty": nil, "no gzip": []byte("hello"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{}); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib", "export.key")
	first, made, err := LoadOrMakeKey(path)
	if err != nil || !made {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	second, made, err := LoadOrMakeKey(path)
	if err != nil || made || !first.Equal(second) {
		t.Errorf("made %v, %v", made, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadOrMakeKey(path); err == nil || !strings.Contains(err.Error(), "0640") {
		t.Errorf("%v", err)
	}
	if _, _, err := LoadOrMakeKey(write(t, "k", "x")); err == nil {
		t.Error("no key is accepted as one")
	}
}

func TestRuleFile(t *testing.T) {
	for id, want := range map[string]string{"a-1": "a-1.toml", "../x": "hex-2e2e2f78.toml", "": "hex-.toml", "hex-41": "hex-6865782d3431.toml"} {
		if got := ruleFile(id); got != want || !goodPart(got) {
			t.Errorf("%q is %q", id, got)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if found, err := Verify(t.Context(), bytes.NewReader(archive), VerifyOptions{MaxBytes: 1 << 20}); err == nil {
			t.Errorf("%+v", found)
		}
	})
}
