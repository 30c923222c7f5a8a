-- Name of the uploaded picture of a person; null: none.
ALTER TABLE "user" ADD COLUMN avatar text;
