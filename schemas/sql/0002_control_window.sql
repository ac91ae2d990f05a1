ALTER TABLE control MODIFY SETTING non_replicated_deduplication_window = 10000;
