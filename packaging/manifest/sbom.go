package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// product is what the bill of materials is of.
type product struct {
	version, arch string

	time time.Time
}

// The form of a bill: CycloneDX 1.5 (cyclonedx.org/docs/1.5/json).
type bill struct {
	Format       string       `json:"bomFormat"`
	Version      string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Revision     int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string        `json:"type"`
	Reference  string        `json:"bom-ref"`
	Name       string        `json:"name"`
	Version    string        `json:"version"`
	PURL       string        `json:"purl,omitempty"`
	Licenses   []licenseItem `json:"licenses,omitempty"`
	Properties []property    `json:"properties,omitempty"`
}

type licenseItem struct {
	License licenseID `json:"license"`
}

type licenseID struct {
	ID string `json:"id"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Reference string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// billOfMaterials is the bill of a product with its parts. The same parts at the
// same time give the same bytes.
func billOfMaterials(of product, parts []part) ([]byte, error) {
	made := bill{Format: "CycloneDX", Version: "1.5", Revision: 1}
	own := component{
		Type: "application", Reference: "tripline", Name: "tripline", Version: of.version,
		Licenses:   []licenseItem{{licenseID{"Apache-2.0"}}},
		Properties: []property{{"tripline:os", "linux"}, {"tripline:arch", of.arch}},
	}
	made.Metadata = metadata{Timestamp: of.time.Format(time.RFC3339), Component: own}
	depends := dependency{Reference: own.Reference}
	for _, one := range parts {
		entry := component{Type: "library", Name: one.path, Version: one.version, PURL: fmt.Sprintf("pkg:golang/%s@%s", one.path, one.version)}
		entry.Reference = entry.PURL
		for _, text := range one.texts {
			id := licenseItem{licenseID{spdx(text.text)}}
			if id.License.ID != "" && !slices.Contains(entry.Licenses, id) {
				entry.Licenses = append(entry.Licenses, id)
			}
		}
		if one.sum != "" {
			entry.Properties = []property{{"tripline:go.sum", one.sum}}
		}
		made.Components = append(made.Components, entry)
		depends.DependsOn = append(depends.DependsOn, entry.Reference)
	}
	made.Dependencies = []dependency{depends}
	content, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("writing the bill of materials: %w", err)
	}
	made.Serial = serial(content)
	var to bytes.Buffer
	encoder := json.NewEncoder(&to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(made); err != nil {
		return nil, fmt.Errorf("writing the bill of materials: %w", err)
	}
	return to.Bytes(), nil
}

// serial makes the bill's number, a UUID, from its content: version 8 of RFC 9562,
// whose bits are the maker's own.
func serial(content []byte) string {
	digest := sha256.Sum256(content)
	digest[6] = digest[6]&0x0f | 0x80
	digest[8] = digest[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", digest[0:4], digest[4:6], digest[6:8], digest[8:10], digest[10:16])
}
