package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of what is read of an archive that anybody may have made.
const (
	// DefaultMaxBytes is how large all files of an archive together may be.
	DefaultMaxBytes = 64 << 30
	maxFiles        = 10_000
	maxSmallBytes   = 4 << 20
	maxNameBytes    = 255
)

// File is one file of an archive.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Verified is what an archive is found to be.
type Verified struct {
	Files []File `json:"files"`
	// Fingerprint names the key that signed it. Trusted says that this is the key
	// that was asked for, and not only the one that the archive itself brings.
	Fingerprint string   `json:"key_fingerprint"`
	Trusted     bool     `json:"trusted"`
	Manifest    Manifest `json:"manifest"`
}

// VerifyOptions say how an archive is checked.
type VerifyOptions struct {
	// Key is the key that has to have signed it; nil for the key that is in it,
	// which proves that the archive is whole but not whose it is.
	Key ed25519.PublicKey
	// MaxBytes is how large all files together may be, DefaultMaxBytes for 0.
	MaxBytes int64
}

// Verify checks an archive: its form, its signature, and every file's digest. It
// writes nothing. The error joins all that is wrong.
func Verify(ctx context.Context, from io.Reader, options VerifyOptions) (*Verified, error) {
	if options.MaxBytes == 0 {
		options.MaxBytes = DefaultMaxBytes
	}
	v := &verifier{options: options, small: make(map[string][]byte), digests: make(map[string]string)}
	if err := v.read(ctx, from); err != nil {
		return nil, err
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	return &v.found, nil
}

// verifier is one check of an archive.
type verifier struct {
	options VerifyOptions
	found   Verified
	total   int64
	// small holds the files that are needed whole.
	small   map[string][]byte
	digests map[string]string
}

// read reads the archive to its very end.
func (v *verifier) read(ctx context.Context, from io.Reader) error {
	buffered := bufio.NewReader(from)
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return fmt.Errorf("this is no export, which is compressed with gzip: %w", err)
	}
	unzipped.Multistream(false)
	in := tar.NewReader(unzipped)
	for {
		if ctx.Err() != nil {
			return fmt.Errorf("checking an archive: %w", context.Cause(ctx))
		}
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the archive is damaged after %d files: %w", len(v.found.Files), err)
		}
		if err := v.file(header, in); err != nil {
			return err
		}
	}
	return v.nothingFollows(unzipped, buffered)
}

// nothingFollows refuses what stands behind the end of the archive.
func (v *verifier) nothingFollows(unzipped io.Reader, raw *bufio.Reader) error {
	const padding = 1 << 20
	rest, err := io.ReadAll(io.LimitReader(unzipped, padding))
	if err != nil {
		return fmt.Errorf("the archive is damaged at its end: %w", err)
	}
	if len(bytes.Trim(rest, "\x00")) > 0 || len(rest) == padding {
		return errors.New("something stands behind the end of the archive")
	}
	if _, err := raw.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the compressed archive")
	}
	return nil
}

// file checks the form of one entry and takes its digest.
func (v *verifier) file(header *tar.Header, content io.Reader) error {
	name, ok := strings.CutPrefix(header.Name, folder+"/")
	switch {
	case header.Typeflag != tar.TypeReg:
		return fmt.Errorf("%.100q in the archive is no file; an export has only files", header.Name)
	case !ok || !goodName(name):
		return fmt.Errorf("the name %.100q is none that an export has", header.Name)
	case v.digests[name] != "":
		return fmt.Errorf("the file %s is in the archive twice", name)
	case len(v.found.Files) >= maxFiles:
		return fmt.Errorf("the archive has more than %d files, which no export has", maxFiles)
	case header.Size < 0 || header.Size > v.options.MaxBytes-v.total:
		return fmt.Errorf("the files of the archive are larger than %d bytes in all; --max-size allows more", v.options.MaxBytes)
	}
	v.total += header.Size
	digest := sha256.New()
	var small bytes.Buffer
	to := io.Writer(digest)
	switch name {
	case nameSums, nameSignature, namePublicKey, nameManifest:
		if header.Size > maxSmallBytes {
			return fmt.Errorf("%s has %d bytes, which is too large", name, header.Size)
		}
		to = io.MultiWriter(digest, &small)
	}
	n, err := io.Copy(to, content)
	if err != nil || n != header.Size {
		return fmt.Errorf("%s in the archive is damaged: %d of %d bytes could be read: %w", name, n, header.Size, errors.Join(err, io.ErrUnexpectedEOF))
	}
	sum := hex.EncodeToString(digest.Sum(nil))
	v.digests[name], v.small[name] = sum, small.Bytes()
	v.found.Files = append(v.found.Files, File{name, header.Size, sum})
	return nil
}

// goodName says whether a name is one that an export has: of a file, or of a file
// in a folder.
func goodName(name string) bool {
	first, second, inFolder := strings.Cut(name, "/")
	return len(name) <= maxNameBytes && goodPart(first) && (!inFolder || goodPart(second))
}

// goodPart says whether a text is letters, digits and -._ and begins with none of
// these.
func goodPart(part string) bool {
	for i, c := range []byte(part) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && (c == '-' || c == '.' || c == '_'):
		default:
			return false
		}
	}
	return part != ""
}

// check compares what was read with what was signed.
func (v *verifier) check() error {
	for _, name := range []string{nameSums, nameSignature, namePublicKey, nameManifest, nameAlerts} {
		if v.digests[name] == "" {
			return fmt.Errorf("the archive has no %s: it is no export, or not all of one", name)
		}
	}
	if err := v.checkSignature(); err != nil {
		return err
	}
	if err := v.checkSums(); err != nil {
		return err
	}
	if err := json.Unmarshal(v.small[nameManifest], &v.found.Manifest); err != nil {
		return fmt.Errorf("%s cannot be read: %w", nameManifest, err)
	}
	if v.found.Manifest.Format != Format {
		return fmt.Errorf("the export has format %d, and this program knows %d", v.found.Manifest.Format, Format)
	}
	return nil
}

func (v *verifier) checkSignature() error {
	block, _ := pem.Decode(v.small[namePublicKey])
	if block == nil || block.Type != publicType {
		return fmt.Errorf("%s in the archive is no public key", namePublicKey)
	}
	key, err := parsePublic(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s in the archive: %w", namePublicKey, err)
	}
	if v.options.Key != nil {
		wanted, err := Fingerprint(v.options.Key)
		if err != nil {
			return err
		}
		if !v.options.Key.Equal(key) {
			own, err := Fingerprint(key)
			return errors.Join(fmt.Errorf("the archive is signed by another key: by %s and not by %s", own, wanted), err)
		}
		v.found.Trusted = true
	}
	if v.found.Fingerprint, err = Fingerprint(key); err != nil {
		return err
	}
	if !ed25519.Verify(key, v.small[nameSums], v.small[nameSignature]) {
		return fmt.Errorf("the signature is wrong: %s was changed after the host signed it, or another key signed it", nameSums)
	}
	return nil
}

// checkSums finds every file among those that were signed, and the other way
// round.
func (v *verifier) checkSums() error {
	var wrong []error
	signed := map[string]bool{nameSums: true, nameSignature: true}
	for line := range strings.Lines(string(v.small[nameSums])) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		switch {
		case !ok || !goodName(name):
			return fmt.Errorf("%s has the line %.100q, which is none of its form", nameSums, line)
		case v.digests[name] == "":
			wrong = append(wrong, fmt.Errorf("%s is missing", name))
		case v.digests[name] != sum:
			wrong = append(wrong, fmt.Errorf("%s was changed: its digest is %s and not %s", name, v.digests[name], sum))
		}
		signed[name] = true
	}
	for _, file := range v.found.Files {
		if !signed[file.Name] {
			wrong = append(wrong, fmt.Errorf("%s was added: it is not signed", file.Name))
		}
	}
	return errors.Join(wrong...)
}
