package bundle

import (
	"archive/tar"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"
)

// archive writes the files of an export, and what they were.
type archive struct {
	compressed *gzip.Writer
	tar        *tar.Writer
	made       time.Time
	sums       strings.Builder
}

func newArchive(to io.Writer, made time.Time) *archive {
	compressed := gzip.NewWriter(to) // its header has no name and no time
	return &archive{compressed: compressed, tar: tar.NewWriter(compressed), made: made.Truncate(time.Second)}
}

// put adds a file of so many bytes.
func (a *archive) put(name string, size int64, content io.Reader) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: path.Join(folder, name), Size: size, Mode: 0o600, ModTime: a.made, Format: tar.FormatPAX,
	}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	digest := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(a.tar, digest), content, size); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	fmt.Fprintf(&a.sums, "%s  %s\n", hex.EncodeToString(digest.Sum(nil)), name)
	return nil
}

func (a *archive) putText(name, text string) error {
	return a.put(name, int64(len(text)), strings.NewReader(text))
}

// putFile adds what is in a temporary file.
func (a *archive) putFile(name string, file *spool) error {
	if err := file.rewind(); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return a.put(name, file.size, file.file)
}

// sign adds the digests and their signature, and ends the archive.
func (a *archive) sign(key ed25519.PrivateKey) error {
	sums := a.sums.String()
	signature := string(ed25519.Sign(key, []byte(sums)))
	err := errors.Join(a.putText(nameSums, sums), a.putText(nameSignature, signature))
	if err := errors.Join(err, a.tar.Close(), a.compressed.Close()); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// spool is a temporary file that has no name.
type spool struct {
	file *os.File
	size int64
}

// newSpool makes a temporary file in a folder that is as safe as what is written.
func newSpool(folder string) (*spool, error) {
	file, err := os.CreateTemp(folder, ".tripline-export.*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("making a temporary file: %w", err), file.Close())
	}
	return &spool{file: file}, nil
}

// line adds one line.
func (s *spool) line(text []byte) error {
	n, err := s.file.Write(append(text, '\n'))
	s.size += int64(n)
	if err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

func (s *spool) rewind() error {
	_, err := s.file.Seek(0, io.SeekStart)
	return err
}

func (s *spool) close() error { return s.file.Close() }
