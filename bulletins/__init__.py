"""What kindergartens hand over and take back: vacancies, withdrawals, the bulletin of a day (rules B)."""
