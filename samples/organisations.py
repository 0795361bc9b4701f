"""The invented organisations."""

HEADER = ("รหัส", "ประเภท", "ชื่อ", "ชื่ออังกฤษ", "จังหวัด", "อำเภอ", "รหัสแม่")
CAPITAL = "กรุงเทพมหานคร"
PROVINCE = "สมมติ"
# The roster names a unit by its name alone, so names are unique here.
ORGANISATIONS = (
    ("M01", "กระทรวง", "กระทรวงสมมติ", "Ministry of Supposition", CAPITAL, "", ""),
    ("D01", "กรม", "กรมตัวอย่าง", "Department of Examples", CAPITAL, "", "M01"),
    ("D0101", "กอง", "กองการเจ้าหน้าที่", "Personnel Division", CAPITAL, "", "D01"),
    ("D0102", "กอง", "กองคลังตัวอย่าง", "Example Finance Division", CAPITAL, "", "D01"),
    ("D0103", "กอง", "กองแผนงานตัวอย่าง", "Example Planning Division", CAPITAL, "", "D01"),
    ("D0104", "สำนัก", "สำนักพัฒนาตัวอย่าง", "Bureau of Example Development", CAPITAL, "", "D01"),
    ("D0105", "สถาบัน", "สถาบันตัวอย่าง", "Example Institute", CAPITAL, "", "D01"),
    ("D010501", "ศูนย์", "ศูนย์ตัวอย่างที่ 1", "Example Centre 1", PROVINCE, "เมืองสมมติ", "D0105"),
    ("D02", "กรม", "กรมทดลอง", "Department of Trials", CAPITAL, "", "M01"),
    ("D0201", "กอง", "กองบริหารทดลอง", "Trial Administration Division", CAPITAL, "", "D02"),
    ("D0202", "กอง", "กองมาตรฐานทดลอง", "Trial Standards Division", CAPITAL, "", "D02"),
    ("D0203", "ศูนย์", "ศูนย์เทคโนโลยีทดลอง", "Trial Technology Centre", CAPITAL, "", "D02"),
    ("P01", "จังหวัด", "จังหวัดสมมติ", "Sommot Province", PROVINCE, "", ""),
    ("P0101", "สำนักงานจังหวัด", "สำนักงานจังหวัดสมมติ", "Sommot Provincial Office", PROVINCE, "เมืองสมมติ", "P01"),
    (
        "P0102",
        "สำนักงานจังหวัด",
        "สำนักงานตัวอย่างจังหวัดสมมติ",
        "Sommot Provincial Office of Examples",
        PROVINCE,
        "เมืองสมมติ",
        "P01",
    ),
    ("A01", "อำเภอ", "อำเภอเมืองสมมติ", "Mueang Sommot District", PROVINCE, "เมืองสมมติ", "P01"),
    ("A02", "อำเภอ", "อำเภอลองดู", "Longdu District", PROVINCE, "ลองดู", "P01"),
    ("A03", "อำเภอ", "อำเภอจำลอง", "Chamlong District", PROVINCE, "จำลอง", "P01"),
    ("L01", "อบจ.", "องค์การบริหารส่วนจังหวัดสมมติ", "Sommot Provincial Authority", PROVINCE, "เมืองสมมติ", "P01"),
    ("L02", "เทศบาลเมือง", "เทศบาลเมืองสมมติ", "Sommot Town Municipality", PROVINCE, "เมืองสมมติ", "P01"),
    ("L03", "เทศบาลตำบล", "เทศบาลตำบลลองดู", "Longdu Subdistrict Municipality", PROVINCE, "ลองดู", "A02"),
    ("L04", "เทศบาลตำบล", "เทศบาลตำบลจำลอง", "Chamlong Subdistrict Municipality", PROVINCE, "จำลอง", "A03"),
    ("L05", "อบต.", "องค์การบริหารส่วนตำบลทดสอบ", "Thotsop Subdistrict Authority", PROVINCE, "ลองดู", "A02"),
    ("L06", "อบต.", "องค์การบริหารส่วนตำบลเทียม", "Thiam Subdistrict Authority", PROVINCE, "จำลอง", "A03"),
    ("L07", "อบต.", "องค์การบริหารส่วนตำบลแบบฝึก", "Baepfuek Subdistrict Authority", PROVINCE, "เมืองสมมติ", "A01"),
)
