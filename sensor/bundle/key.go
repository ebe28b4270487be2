package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultKey is where a host keeps the key that signs its exports.
const DefaultKey = "/var/lib/tripline/export.key"

const (
	privateType = "PRIVATE KEY" // PKCS #8, RFC 5958
	publicType  = "PUBLIC KEY"  // RFC 7468
)

// maxKeyBytes is far above the size of a key file.
const maxKeyBytes = 16 << 10

// LoadOrMakeKey reads the host's private key, or makes one where there is none,
// and says whether it did. A key that others could read is refused.
func LoadOrMakeKey(path string) (key ed25519.PrivateKey, made bool, err error) {
	key, err = loadPrivate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return nil, false, fmt.Errorf("making the key that signs exports: %w", err)
	}
	key, err = loadPrivate(path)
	return key, true, err
}

func loadPrivate(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key that signs exports: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so that others may have the key; make a new one: remove the file", path, mode)
	}
	block, err := readPEM(path, privateType)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return nil, fmt.Errorf("%s: reading the key: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind than Ed25519", path)
	}
	return key, nil
}

// makeKey writes a new key. It appears under its name whole or not at all, and
// never in the place of another.
func makeKey(path string) (err error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".export.key.*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	written := pem.Encode(file, &pem.Block{Type: privateType, Bytes: encoded})
	if err := errors.Join(written, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

// LoadPublic reads a public key file, such as export.pub of an archive that came
// by a way that can be trusted.
func LoadPublic(path string) (ed25519.PublicKey, error) {
	block, err := readPEM(path, publicType)
	if err != nil {
		return nil, err
	}
	key, err := parsePublic(block)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func parsePublic(block []byte) (ed25519.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(block)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the public key is of another kind than Ed25519")
	}
	return key, nil
}

// readPEM reads the one PEM block of a file.
func readPEM(path, kind string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyBytes))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s: reading a key: %w", path, err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM", path, kind)
	}
	return block.Bytes, nil
}

// encodePublic is the key as export.pub has it.
func encodePublic(key ed25519.PublicKey) ([]byte, error) {
	encoded, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicType, Bytes: encoded}), nil
}

// Fingerprint names a public key: SHA256 and the digest of its DER form, as
// "openssl pkey -pubin -in export.pub -outform DER | sha256sum" prints it.
func Fingerprint(key ed25519.PublicKey) (string, error) {
	encoded, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("naming the public key: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return "SHA256:" + hex.EncodeToString(sum[:]), nil
}
