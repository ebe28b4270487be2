// Package secure makes the TLS settings of outputs from files.
package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Files name what an output needs for TLS. Empty ones are left out.
type Files struct {
	// CA holds the certificates, PEM, of those who sign the receiver's; without it
	// those that the system trusts are trusted.
	CA string
	// Certificate and Key are the sensor's own, PEM.
	Certificate, Key string
	// ServerName is the name in the receiver's certificate; without it that of the
	// address.
	ServerName string
}

// errNoCertificate says that a file of certificates has none.
var errNoCertificate = errors.New("the file has no certificate in PEM form")

// Config reads the files. TLS 1.2 is the oldest version that is spoken; RFC 9662
// forbids older ones for syslog.
func (f Files) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CA != "" {
		data, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates to trust: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("reading the certificates to trust: %s: %w", f.CA, errNoCertificate)
		}
	}
	if f.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
