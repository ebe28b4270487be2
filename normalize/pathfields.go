package normalize

import (
	"strings"

	"tripline/detect"
)

// pathFields are what ECS derives from the paths of files.
func pathFields() []field {
	return []field{
		words("file.name", func(e *Event) detect.Value { return e.ofPaths(baseName) }),
		words("file.extension", func(e *Event) detect.Value { return e.ofPaths(extension) }),
		words("file.directory", func(e *Event) detect.Value { return e.ofPaths(directory) }),
		ofParent(words("process.parent.name", func(e *Event) detect.Value { return optional(baseName(e.parentExecutable().Text())) })),
	}
}

// ofPaths reads a part of every path of file.path. Paths without it are left out,
// and so is what an earlier path had.
func (e *Event) ofPaths(part func(path string) string) detect.Value {
	paths := e.filePath()
	if paths.Kind() != detect.KindList {
		return optional(part(paths.Text()))
	}
	start := len(e.values)
	for _, path := range paths.Elements() {
		text := part(path.Text())
		if text != "" && !containsText(e.values[start:], text) {
			e.values = append(e.values, detect.String(text))
		}
	}
	return e.valuesFrom(start)
}

func containsText(values []detect.Value, text string) bool {
	for i := range values {
		if values[i].Text() == text {
			return true
		}
	}
	return false
}

// baseName is what follows the last slash, empty for a directory's path with one
// at its end.
func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// extension is what follows the last dot of the name, without the dot, as ECS has
// it; a name's first character starts no extension: ".profile" has none.
func extension(path string) string {
	name := baseName(path)
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		return name[dot+1:]
	}
	return ""
}

// directory is the path before the last slash, "/" for what is in the root; empty
// for a path without a slash, whose directory is not known.
func directory(path string) string {
	slash := strings.LastIndexByte(path, '/')
	if slash == 0 {
		return "/"
	}
	return path[:max(slash, 0)]
}
