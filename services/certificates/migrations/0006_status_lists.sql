-- Status lists are built of what is set in them, read whole each time; see store/statuslists.

-- serve the building of a status list: only what is set in it is read
CREATE INDEX registry_not_in_force ON registry (status_list, status) INCLUDE (status_index)
    WHERE status <> 'in_force' AND status_list IS NOT NULL;
CREATE INDEX registry_review_due ON registry (status_list, review_due)
    INCLUDE (status_index, status)
    WHERE review_due IS NOT NULL AND status_list IS NOT NULL;
