-- Of a source: true makes its prefix a boundary for the media that it serves; false lets it serve the whole bucket.
ALTER TABLE storage ADD COLUMN restrict_to_prefix boolean NOT NULL DEFAULT false;
